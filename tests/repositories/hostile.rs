//! Repositories that mean harm: each is refused with an error that names what is wrong, exit code 30, in little memory,
//! and with nothing written outside the store.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use clay::serve::Server;
use kiln::unit::Digest;
use nix::sys::resource::{UsageWho, getrusage};

use crate::support::{
    Bench, FORMS, Form, Ran, data, package, primary, relations, repomd, requires, write_repository,
};

/// What any kiln that this test program ran may have taken: kibibytes.
const MOST_MEMORY: i64 = 300 << 10;

/// A run over one hostile repository: refused, in little memory, and nothing written beside the store.
fn refused(bench: &Bench) -> Ran {
    let before = listing(&bench.path(""));
    let ran = bench.solve(&[&format!("base={}", bench.path("base").display())], &["tool"]);
    ran.expect(30);
    in_little_memory();
    let mut after = listing(&bench.path(""));
    after.retain(|name| !name.starts_with("store"));
    assert_eq!(after, before);
    ran
}

/// The largest of all that were run until now must be small, so the one before is.
fn in_little_memory() {
    let most = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    assert!(most < MOST_MEMORY, "{most} KiB");
}

fn listing(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() && name != "store" {
            names.extend(listing(&entry.path()).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}

/// A repository whose primary is this text.
fn with_primary(text: &str) -> Bench {
    let bench = Bench::new();
    bench.documents("base", &[("primary", text)]);
    bench
}

/// A repository that has a document of these stored bytes, which are said to be of the given sizes.
fn with_stored(kind: &str, stored: &[u8], sizes: &str) -> Bench {
    let bench = Bench::new();
    let base = bench.path("base");
    let text = primary(&[package("tool-1-1.x86_64", &requires(&["/opt/x"]))]);
    write_repository(&base, Form::Gzip, &[("primary", &text)]);
    fs::write(base.join("repodata/bomb"), stored).unwrap();
    let line = format!(
        "<data type=\"{kind}\"><checksum type=\"sha256\">{}</checksum><location href=\"repodata/bomb\"/>{sizes}</data>",
        Digest::sha256(stored).hex()
    );
    let mut lines = vec![line];
    if kind != "primary" {
        let stored = fs::read(base.join("repodata/primary.xml.gz")).unwrap();
        lines.push(data("primary", "repodata/primary.xml.gz", &stored, text.as_bytes()));
    }
    fs::write(base.join("repodata/repomd.xml"), repomd(&lines)).unwrap();
    bench
}

const GIGABYTE: usize = 1 << 30;

/// `start`, and then ten gigabytes of spaces, in a few kilobytes or megabytes.
fn bomb(form: Form, start: &str) -> Vec<u8> {
    let mut stored = form.store(start.as_bytes());
    if form == Form::Zstd {
        // A frame of blocks that each say: this byte so many times.
        const BLOCK: usize = 128 << 10;
        stored.extend(b"\x28\xb5\x2f\xfd\x00\x70");
        let header = |last: u32| ((BLOCK as u32) << 3 | 1 << 1 | last).to_le_bytes();
        let blocks = 10 * GIGABYTE / BLOCK;
        for block in 0..blocks {
            stored.extend(&header(u32::from(block + 1 == blocks))[..3]);
            stored.push(b' ');
        }
        return stored;
    }
    let piece = form.store(&vec![b' '; GIGABYTE / 16]);
    (0..160).for_each(|_| stored.extend(&piece));
    stored
}

#[test]
fn bombs_of_ten_gigabytes_are_stopped_by_what_they_promise_and_by_what_kiln_reads() {
    let start = "<?xml version=\"1.0\"?>\n<metadata>";
    let all = start.len() + 10 * GIGABYTE;
    for form in FORMS.into_iter().filter(|form| *form != Form::Plain) {
        let stored = bomb(form, start);
        let size = format!("<size>{}</size>", stored.len());
        let honest = with_stored("primary", &stored, &format!("{size}<open-size>{all}</open-size>"));
        refused(&honest)
            .says("it claims to have 10737418272 bytes, more than the 2147483648 that kiln reads");
        let lying = with_stored("primary", &stored, &format!("{size}<open-size>1000000</open-size>"));
        refused(&lying).says("it has more than 1000000 bytes");
        let silent = with_stored("primary", &stored, &size);
        refused(&silent).says("element `metadata`: a string of more than 1048576 bytes");
    }
}

#[test]
fn bombs_in_the_other_documents_are_stopped_too() {
    for (kind, start, text) in [
        ("group", "<comps>", "comps of repository `base`, element `comps`: a string of more than"),
        ("modules", "---\n", "it has more than 67108864 bytes"),
        ("filelists", "<filelists>", "a string of more than"),
    ] {
        let stored = bomb(Form::Zstd, start);
        let bench = with_stored(kind, &stored, "");
        refused(&bench).says(text).says("of repository `base`");
    }
}

#[test]
fn a_document_that_claims_to_be_enormous_is_not_fetched() {
    let bench = with_stored("primary", b"x", "<size>1000000000000</size>");
    refused(&bench)
        .says("primary claims to have 1000000000000 bytes, more than the 1073741824 that kiln fetches");
    for size in ["-1", "18446744073709551616", "1e9", "0x10", ""] {
        let bench = with_stored("primary", b"x", &format!("<size>{size}</size>"));
        refused(&bench).says("not a number it can hold");
    }
    let bench = with_stored("primary", b"x", "");
    let repomd = fs::File::create(bench.path("base/repodata/repomd.xml")).unwrap();
    repomd.set_len(GIGABYTE as u64).unwrap();
    refused(&bench).says("longer than the promised 16 MiB");
}

#[test]
fn a_string_of_a_gigabyte_is_refused_before_it_is_there() {
    let start = "<metadata><package type=\"rpm\"><name>a</name><format><rpm:requires><rpm:entry name=\"";
    for (form, start) in [
        (Form::Zstd, start),
        (Form::Gzip, "<metadata><package type=\"rpm\"><name>"),
        (Form::Xz, "<metadata><!-- "),
    ] {
        let bench = with_stored("primary", &bomb(form, start), "");
        refused(&bench).says("a string of more than 1048576 bytes");
    }
    let bench = with_stored("modules", &bomb(Form::Zstd, "---\ndocument: \"x"), "");
    refused(&bench).says("modules of repository `base`").says("it has more than 67108864 bytes");
}

#[test]
fn more_than_the_tables_hold_is_refused_before_it_fills_the_memory() {
    let mut text = primary(&[]);
    text.truncate(text.find("</metadata>").unwrap());
    for number in 0..200 {
        let name = format!("{number}-{}", "x".repeat(1_000_000));
        text.push_str(&package(&format!("p{number}-1-1.noarch"), &requires(&[&name])));
    }
    text.push_str("</metadata>");
    refused(&with_primary(&text)).says("more than tables of 96 MiB hold");
}

#[test]
fn nesting_without_end_and_entities_are_refused() {
    let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    let deep = "<a>".repeat(1_000_000);
    let named = primary(&[package("tool-1-1.x86_64", "")]).replace("<summary/>", "<summary>&c;</summary>");
    for (text, why) in [
        (format!("<metadata>{deep}"), "elements nested more than"),
        (format!("{laughs}{named}"), "a document type with declarations of its own"),
        (named.replace("<name>tool", "<name>&c;"), "a reference to entity `c`"),
        (format!("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">{}", named.replace("tool", "&x;")), "entity `x`"),
    ] {
        refused(&with_primary(&text)).says(why);
    }
    let good = primary(&[package("tool-1-1.x86_64", "")]);
    for (kind, text, why) in [
        ("group", format!("{laughs}<comps/>"), "a document type with declarations of its own"),
        ("group", format!("<comps>{deep}"), "elements nested more than"),
        (
            "modules",
            format!("---\na: &a [x]\nb: {}\n", "[*a, *a]"),
            "an alias, which could expand without end",
        ),
        ("modules", format!("---\na: {}\n", "[".repeat(1_000_000)), "modules of repository `base`"),
        ("modules", format!("---\n{}", "- ".repeat(100_000)), "modules of repository `base`"),
    ] {
        let bench = Bench::new();
        bench.documents("base", &[("primary", &good), (kind, &text)]);
        refused(&bench).says(why);
    }
    for text in [format!("{laughs}<repomd/>"), format!("<repomd>{deep}")] {
        let bench = with_primary(&good);
        fs::write(bench.path("base/repodata/repomd.xml"), text).unwrap();
        refused(&bench).says("repomd of repository `base`");
    }
}

#[test]
fn locations_that_name_other_places_are_refused() {
    let good = primary(&[package("tool-1-1.x86_64", "")]);
    let href = "href=\"Packages/tool-1-1.x86_64.rpm\"";
    for location in [
        "href=\"/etc/passwd\"",
        "href=\"//elsewhere/a.rpm\"",
        "href=\"https://elsewhere/a.rpm\"",
        "href=\"file:///etc/passwd\"",
        "href=\"a/../../x\"",
        "href=\"../%2e%2e/x\"",
        "href=\"..\\x\"",
        "href=\"a\" xml:base=\"https://elsewhere/\"",
        "href=\"a\" xml:base=\"../../\"",
    ] {
        refused(&with_primary(&good.replace(href, location))).says("is not a path inside the repository");
        if location.contains("base") {
            continue;
        }
        // The same of a document, which has no business beside its repository.
        for location in [location, "href=\"../../x\""] {
            let bench = with_primary(&good);
            let path = bench.path("base/repodata/repomd.xml");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replace("href=\"repodata/primary.xml.gz\"", location)).unwrap();
            refused(&bench).says("is not a path inside the repository");
        }
    }
}

/// Amazon Linux keeps its packages beside its repositories; that is followed on the same server, and nowhere else.
#[test]
fn a_package_beside_its_repository_is_asked_of_its_own_server_only() {
    let text = primary(&[package("tool-1-1.x86_64", "")]);
    let text = text.replace("Packages/tool-1-1.x86_64.rpm", "../../../blob/../x.rpm");
    refused(&with_primary(&text)).says("is not a path inside the repository");
    let bench = Bench::new();
    let text = text.replace("blob/../x.rpm", "blob/x.rpm");
    bench.documents("deep/base", &[("primary", &text)]);
    fs::create_dir(bench.path("blob")).unwrap();
    fs::write(bench.path("blob/x.rpm"), "not what").unwrap();
    let init = |place: &str| {
        bench.release("", &[("base", &format!("baseurl = \"{place}\""))]);
        let text = fs::read_to_string(bench.path("release.toml")).unwrap();
        fs::write(bench.path("release.toml"), text.replace("packages = []", "packages = [\"tool\"]"))
            .unwrap();
        bench.run(&["init", "-r", bench.path("release.toml").to_str().unwrap()])
    };
    let server = Server::start(&bench.path("")).unwrap();
    init(&format!("{}/deep/base", server.url())).expect(30).says("cannot get `../../../blob/x.rpm`");
    assert!(server.answered().iter().any(|asked| asked.path == "/blob/x.rpm"), "{:?}", server.answered());
    // A file of this host is no mirror's business.
    init(bench.path("deep/base").to_str().unwrap())
        .expect(30)
        .says("metadata names `../../../blob/x.rpm`, which is not a path in the repository");
    let rpms = bench.path("store/rpms");
    assert!(!rpms.exists() || fs::read_dir(rpms).unwrap().next().is_none(), "nothing unproved is kept");
}

#[test]
fn checksums_that_prove_nothing_are_refused() {
    let good = primary(&[package("tool-1-1.x86_64", "")]);
    for (from, to) in [
        ("type=\"sha256\" pkgid", "type=\"md5\" pkgid"),
        ("type=\"sha256\" pkgid", "type=\"sha512\" pkgid"),
        ("type=\"sha256\" pkgid", "type=\"crc32\" pkgid"),
        ("type=\"sha256\" pkgid", "pkgid"),
        ("pkgid=\"YES\">", "pkgid=\"YES\">zz"),
        ("pkgid=\"YES\">", "pkgid=\"YES\">../../"),
    ] {
        assert!(good.contains(from));
        refused(&with_primary(&good.replacen(from, to, 1))).says("is not one that kiln accepts");
    }
    let bench = with_primary(&good);
    let path = bench.path("base/repodata/repomd.xml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("sha256", "md5")).unwrap();
    refused(&bench).says("is not one that kiln accepts");
}

#[test]
fn sizes_identities_and_names_that_cannot_be_are_refused() {
    let one = package("tool-1-1.x86_64", &relations("provides", &["x"]));
    let good = primary(std::slice::from_ref(&one));
    let renamed = one.replace("<name>tool", "<name>other");
    for (text, why) in [
        (good.replace("package=\"9\"", "package=\"-9\""), "package size is `-9`"),
        (good.replace("installed=\"0\"", "installed=\"-1\""), "installed size is `-1`"),
        (good.replace("package=\"9\"", "package=\"99999999999999999999\""), "not a number it can hold"),
        (good.replace("build=\"0\"", "build=\"-5\""), "build time is `-5`"),
        (good.replace("epoch=\"0\"", "epoch=\"-1\""), "epoch is `-1`"),
        (primary(&[one.clone(), renamed]), "twice"),
        (good.replace("<name>tool", "<name>to\0ol"), "a control character"),
        (good.replace("<name>tool", "<name>to&#0;ol"), "primary of repository `base`"),
        (good.replace("<name>tool", "<name>to&#10;ol"), "a control character"),
        (good.replace("<name>tool", "<name>to\nol"), "a control character"),
        (good.replace("<name>tool", "<name>to/ol"), "has a character that no name can have"),
        (good.replace("<name>tool", "<name>"), "no name"),
        (good.replace("<arch>x86_64", "<arch>x86_64\u{1b}[31m"), "a control character"),
        (good.replace("name=\"x\"", "name=\"x&#10;y\""), "a control character"),
        (good.replace("Packages/tool", "Packages/to&#10;ol"), "primary of repository `base`"),
    ] {
        assert!(text != good);
        refused(&with_primary(&text)).says(why).says("primary of repository `base`");
    }
    let bench = with_primary(&good);
    let path = bench.path("base/repodata/repomd.xml");
    let text = fs::read_to_string(&path).unwrap();
    let (start, end) = (text.find("<data").unwrap(), text.find("</repomd>").unwrap());
    let twice = format!("{}{}{}", &text[..end], &text[start..end], &text[end..]);
    fs::write(&path, twice).unwrap();
    refused(&bench).says("document `primary` twice");
}

/// The parsed form is kept beside the fetched bytes: whatever becomes of it, the answer is the same, and the form is whole
/// again afterwards.
#[test]
fn spoilt_tables_are_made_again() {
    let bench = Bench::new();
    let packages: Vec<String> =
        (0..200).map(|number| package(&format!("p{number}-1-1.x86_64"), &requires(&["tool"]))).collect();
    let repository = bench.repository("base", &[packages, vec![package("tool-1-1.x86_64", "")]].concat());
    let solved = || bench.solve(&[&repository], &["p7", "--offline"]).lines();
    let expected = bench.solve(&[&repository], &["p7"]).lines();
    let snapshots = fs::read_dir(bench.path("store/repos")).unwrap().map(|entry| entry.unwrap().path());
    let tables: Vec<_> = snapshots.map(|dir| dir.join("tables-1")).filter(|path| path.exists()).collect();
    let [path] = tables.as_slice() else { panic!("{tables:?}") };
    let whole = fs::read(path).unwrap();
    let spoil = |bytes: &[u8]| {
        fs::remove_file(path).unwrap();
        fs::File::create(path).unwrap().write_all(bytes).unwrap();
        assert_eq!(solved(), expected);
        assert!(fs::read(path).unwrap() == whole, "made again");
    };
    for length in [0, 7, 8, 24, 80, whole.len() / 2, whole.len() - 1] {
        spoil(&whole[..length]);
    }
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        spoil(&flipped);
    }
    spoil(&[whole.as_slice(), b"more"].concat());
    // The fetched bytes are proved again when they are read.
    let primary = path.with_file_name("primary.gz");
    let mut bytes = fs::read(&primary).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&primary, bytes).unwrap();
    assert_eq!(solved(), expected, "the tables are whole");
    fs::remove_file(path).unwrap();
    let ran = bench.solve(&[&repository], &["p7", "--offline"]);
    ran.expect(30).says("primary of repository `base`");
}
