use super::*;
use crate::package::{FileAlgorithm, FileDigest, FileFlags, FileKind, RelationFlags};
use crate::plan::Age;
use crate::plan::order::{Colors, Links};
use crate::unit::RootPath;

const DIRECTORY: u32 = 0o040_755;
const REGULAR: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

fn file(path: &str, mode: u32, flags: u32, content: &str) -> FileEntry {
    let kind = match mode & 0o170_000 {
        DIRECTORY_TYPE => FileKind::Directory,
        LINK_TYPE => FileKind::Link,
        _ => FileKind::Regular,
    };
    let digest = FileDigest::from_hex(FileAlgorithm::Md5, &format!("{:0>32}", hex(content)));
    FileEntry {
        index: 0,
        path: RootPath::new(path).unwrap(),
        kind,
        mode,
        user: "root".to_owned(),
        group: "root".to_owned(),
        size: content.len() as u64,
        mtime: 0,
        digest: digest.filter(|_| kind == FileKind::Regular),
        target: if kind == FileKind::Link { content.to_owned() } else { String::new() },
        flags: FileFlags(flags),
        verify: 0,
        rdev: 0,
        device: 0,
        inode: 0,
        languages: String::new(),
        capabilities: String::new(),
        color: 0,
    }
}

const DIRECTORY_TYPE: u32 = 0o040_000;
const LINK_TYPE: u32 = 0o120_000;

fn hex(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn member(name: &str, files: Vec<FileEntry>) -> Member {
    let provide = Relation { name: name.to_owned(), flags: RelationFlags::EQUAL, evr: "1-1".to_owned() };
    Member {
        name: name.to_owned(),
        nevra: format!("{name}-1-1.noarch"),
        provides: vec![provide],
        scriptlets: Vec::new(),
        triggers: Vec::new(),
        states: vec![FileState::Normal; files.len()],
        files,
        prefixes: Vec::new(),
        rpm_version: "4.18.0".to_owned(),
        sysusers: Vec::new(),
    }
}

fn script() -> Script {
    Script { program: vec!["<lua>".to_owned()], body: Some("print()".to_owned()), flags: 0 }
}

fn trigger(index: usize, name: &str, flags: RelationFlags, priority: u32) -> Trigger {
    let condition = Relation { name: name.to_owned(), flags, evr: String::new() };
    Trigger { index, conditions: vec![condition], places: vec![index], script: script(), priority }
}

/// One of two packages with every kind of script, each with triggers on the other and on both one's files.
fn talkative(name: &str, other: &str) -> Member {
    let directory = format!("/usr/share/d-{name}");
    let files = vec![
        file(&directory, DIRECTORY, 0, ""),
        file(&format!("{directory}/f"), REGULAR, 0, ""),
        file(&format!("{directory}/ghost"), REGULAR, FileFlags::GHOST, ""),
    ];
    let mut member = member(name, files);
    let kinds =
        [ScriptletKind::PreTrans, ScriptletKind::PreIn, ScriptletKind::PostIn, ScriptletKind::PostTrans];
    member.scriptlets = kinds.into_iter().map(|kind| Scriptlet { kind, script: script() }).collect();
    let watched = "/usr/share/d-";
    let (before, after) = (RelationFlags::TRIGGERPREIN, RelationFlags::TRIGGERIN);
    member.triggers = vec![
        (TriggerFamily::Package, vec![trigger(0, other, before, 0), trigger(1, other, after, 0)]),
        (TriggerFamily::File, vec![trigger(0, watched, after, 1_000_000), trigger(1, watched, after, 100)]),
        (TriggerFamily::Transaction, vec![trigger(0, watched, after, 1_000_000)]),
    ];
    member
}

fn told(actions: &[Action], packages: &[Member]) -> Vec<String> {
    let tell = |action: &Action| match action {
        Action::Users { member } => format!("{} users", packages[*member].name),
        Action::Place { member } => format!("{} files", packages[*member].name),
        Action::Run(call) => {
            let args = call.args.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
            let paths = call
                .paths
                .iter()
                .flatten()
                .map(|path| path.trim_start_matches("/usr/share/"))
                .collect::<Vec<_>>();
            format!("{} {} {args} {}", packages[call.member].name, call.name, paths.join(" "))
                .trim_end()
                .to_owned()
        }
    };
    actions.iter().map(tell).collect()
}

#[test]
fn two_packages_in_one_transaction_run_everything_in_the_order_of_rpm() {
    let packages = vec![talkative("pa", "pb"), talkative("pb", "pa")];
    let fates = vec![Fates(vec![Fate::Create; 3]); 2];
    let mut actions = pretrans(&[], &packages);
    actions.extend(sequence(&packages, 0, &fates, Age::Counts));
    let expected = "\
pa %pretrans 1
pb %pretrans 1
pa %pre 1
pa files
pa %filetriggerin 1,1 d-pa d-pa/f d-pa/ghost
pa %post 1
pa %filetriggerin 1,1 d-pa d-pa/f d-pa/ghost
pa %triggerprein 1,0
pb %triggerprein 0,1
pb %pre 1
pb files
pa %filetriggerin 1,1 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 1,1 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 1,1 d-pa d-pa/f d-pa/ghost
pb %post 1
pa %triggerin 1,1
pb %triggerin 1,1
pa %filetriggerin 1,1 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 1,1 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 1,1 d-pa d-pa/f d-pa/ghost
pa %posttrans 1
pb %posttrans 1
pa %transfiletriggerin 1 d-pa d-pa/f d-pa/ghost d-pb d-pb/f d-pb/ghost
pb %transfiletriggerin 1 d-pa d-pa/f d-pa/ghost d-pb d-pb/f d-pb/ghost";
    assert_eq!(told(&actions, &packages), expected.lines().collect::<Vec<_>>());
}

#[test]
fn triggers_of_the_layers_below_run_on_new_files_only() {
    let packages = vec![talkative("pa", "pb"), talkative("pb", "pa")];
    let fates = vec![Fates(vec![Fate::Create; 3])];
    let mut actions = pretrans(&packages[..1], &packages[1..]);
    actions.extend(sequence(&packages, 1, &fates, Age::Early));
    let expected = "\
pb %pretrans 1
pa %triggerprein 1,0
pb %triggerprein 0,1
pb %pre 1
pb files
pa %filetriggerin 0 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 0 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 0 d-pa d-pa/f d-pa/ghost
pb %post 1
pa %triggerin 1,1
pb %triggerin 1,1
pa %filetriggerin 0 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 0 d-pb d-pb/f d-pb/ghost
pb %filetriggerin 0 d-pa d-pa/f d-pa/ghost
pb %posttrans 1
pa %transfiletriggerin 0 d-pb d-pb/f d-pb/ghost
pb %transfiletriggerin 0 d-pa d-pa/f d-pa/ghost d-pb d-pb/f d-pb/ghost";
    assert_eq!(told(&actions, &packages), expected.lines().collect::<Vec<_>>());
}

fn policy() -> Policy {
    Policy { colors: Colors::of("x86_64"), languages: Vec::new(), docs: true }
}

fn decided(installed: &[Member], added: &[Member], disk: &Disk) -> String {
    let mut links = Links::default();
    links.add("/bin", "usr/bin");
    match fates(installed, added, &policy(), &links, disk) {
        Ok(fates) => fates.iter().map(|fates| format!("{:?}", fates.0)).collect::<Vec<_>>().join(" "),
        Err(clashes) => {
            let tell = |clash: &Clash| format!("{}: {} and {}", clash.path, clash.first, clash.second);
            clashes.iter().map(tell).collect::<Vec<_>>().join(", ")
        }
    }
}

#[test]
fn packages_may_share_files_that_they_agree_about() {
    let one = |entry: FileEntry| member("a", vec![entry]);
    let two = |entry: FileEntry| member("b", vec![entry]);
    let plain = |path: &str, content: &str| file(path, REGULAR, 0, content);
    let colored = |color: u32, content: &str| FileEntry { color, ..plain("/usr/bin/x", content) };
    let table = [
        (plain("/usr/bin/x", "1"), plain("/usr/bin/x", "1"), "[Create] [Shared]"),
        (plain("/usr/bin/x", "1"), plain("/bin/x", "1"), "[Create] [Shared]"),
        (plain("/usr/bin/x", "1"), plain("/bin/x", "2"), "/bin/x: a-1-1.noarch and b-1-1.noarch"),
        (plain("/a", "1"), file("/a", 0o100_755, 0, "1"), "/a: a-1-1.noarch and b-1-1.noarch"),
        (plain("/a", "1"), file("/a", REGULAR, FileFlags::GHOST, "2"), "[Create] [Shared]"),
        (file("/a", REGULAR, FileFlags::GHOST, "2"), plain("/a", "1"), "[Create] [Create]"),
        (file("/a", LINK, 0, "b"), file("/a", LINK, 0, "c"), "/a: a-1-1.noarch and b-1-1.noarch"),
        (file("/d", DIRECTORY, 0, ""), file("/d", DIRECTORY, 0, ""), "[Create] [Shared]"),
        (colored(1, "1"), colored(2, "2"), "[WrongColor] [Create]"),
        (colored(2, "2"), colored(1, "1"), "[Create] [WrongColor]"),
        (colored(1, "1"), colored(1, "2"), "/usr/bin/x: a-1-1.noarch and b-1-1.noarch"),
    ];
    for (first, second, expected) in table {
        let packages = [one(first), two(second)];
        assert_eq!(decided(&[], &packages, &Disk::new()), expected, "{packages:?}");
    }
}

#[test]
fn configuration_that_is_there_and_differs_is_kept() {
    let config = |flags: u32| file("/etc/x", REGULAR, FileFlags::CONFIG | flags, "new");
    let old = |content: &str| vec![member("old", vec![file("/etc/x", REGULAR, FileFlags::CONFIG, content)])];
    let on_disk = |content: &str| {
        let entry = file("/etc/x", REGULAR, 0, content);
        let found = OnDisk {
            kind: FileKind::Regular,
            size: entry.size,
            digests: entry.digest.into_iter().collect(),
            target: String::new(),
        };
        Disk::from([("/etc/x".to_owned(), found)])
    };
    let noreplace = FileFlags::NOREPLACE;
    let table = [
        (vec![], config(0), Disk::new(), "[Create]"),
        (vec![], config(0), on_disk("new"), "[Create]"),
        (vec![], config(0), on_disk("own"), "[KeepOriginal]"),
        (vec![], config(noreplace), on_disk("own"), "[NewName]"),
        (vec![], file("/etc/x", REGULAR, 0, "new"), on_disk("own"), "[Create]"),
        (old("new"), config(0), on_disk("own"), "[Shared]"),
        (old("new"), config(0), on_disk("new"), "[Touch]"),
        (old("new"), config(FileFlags::MISSINGOK), Disk::new(), "[Shared]"),
        (old("old"), config(0), on_disk("own"), "/etc/x: old-1-1.noarch and a-1-1.noarch"),
    ];
    for (installed, entry, disk, expected) in table {
        let added = [member("a", vec![entry])];
        assert_eq!(decided(&installed, &added, &disk), expected, "{added:?} {disk:?}");
    }
}

#[test]
fn unwanted_files_take_their_emptied_directories_with_them() {
    let doc = FileFlags::DOC;
    let files = vec![
        file("/usr/share/doc/a", DIRECTORY, 0, ""),
        file("/usr/share/doc/a/README", REGULAR, doc, "r"),
        file("/usr/share/licenses/a", REGULAR, FileFlags::LICENSE | doc, "l"),
        FileEntry { languages: "de".to_owned(), ..file("/usr/share/locale/de/a.mo", REGULAR, 0, "d") },
        FileEntry { languages: "en|fr".to_owned(), ..file("/usr/share/locale/en/a.mo", REGULAR, 0, "e") },
        file("/proc", DIRECTORY, 0, ""),
        file("/proc/x", REGULAR, 0, ""),
        FileEntry { color: 4, ..file("/usr/lib/x", REGULAR, 0, "x") },
    ];
    let policy = Policy { languages: vec!["en_US".to_owned()], docs: false, ..policy() };
    let fates = fates(&[], &[member("a", files)], &policy, &Links::default(), &Disk::new()).unwrap();
    let expected = [
        Fate::NotInstalled,
        Fate::NotInstalled,
        Fate::Create,
        Fate::NotInstalled,
        Fate::Create,
        Fate::Create,
        Fate::NetShared,
        Fate::WrongColor,
    ];
    assert_eq!(fates[0].0, expected);
}

#[test]
fn a_trigger_runs_once_for_all_conditions_that_name_one_package_and_only_its_own_name_counts() {
    let condition = |evr: &str| Relation {
        name: "pb".to_owned(),
        flags: RelationFlags::TRIGGERIN.or(RelationFlags::GREATER),
        evr: evr.to_owned(),
    };
    let watching = |index: usize, evrs: &[&str]| Trigger {
        conditions: evrs.iter().map(|evr| condition(evr)).collect(),
        places: (0..evrs.len()).map(|place| 10 * index + place).collect(),
        script: Script { flags: index as u32, ..script() },
        ..trigger(index, "pb", RelationFlags::default(), 0)
    };
    let mut pa = member("pa", Vec::new());
    pa.triggers =
        vec![(TriggerFamily::Package, vec![watching(0, &["5", "6"]), watching(1, &["0", "0.5", "0.6"])])];
    let mut pb = member("pb", Vec::new());
    // Any version of this is more than 5, but it is not the package that is watched.
    pb.provides.push(Relation {
        name: "other".to_owned(),
        flags: RelationFlags::default(),
        evr: String::new(),
    });
    let expected = ["pa files", "pb files", "pa %triggerin 1,1"];
    for packages in [vec![pa.clone(), pb.clone()], vec![pb, pa]] {
        let fates = vec![Fates(Vec::new()); 2];
        let actions = sequence(&packages, 0, &fates, Age::Counts);
        let mut told = told(&actions, &packages);
        told.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected);
        let ran = |action: &Action| matches!(action, Action::Run(call) if call.script.flags == 1);
        assert_eq!(actions.iter().filter(|action| ran(action)).count(), 1, "the second trigger");
    }
}

#[test]
fn directories_that_lose_all_their_files_go_too_however_many_there_are() {
    let mut files = vec![file("/usr/share/doc", DIRECTORY, 0, "")];
    for number in 0..20_000 {
        files.push(file(&format!("/usr/share/doc/{number}"), DIRECTORY, 0, ""));
        files.push(file(&format!("/usr/share/doc/{number}/README"), REGULAR, FileFlags::DOC, ""));
    }
    files.push(file("/usr/share/kept", DIRECTORY, 0, ""));
    let fates = skip::skipped(&files, &Policy { docs: false, ..policy() });
    let kept = fates.iter().filter(|fate| fate.is_none()).count();
    assert_eq!((kept, fates.last()), (1, Some(&None)));
}
