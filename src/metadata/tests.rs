//! What holds for all the readers together: nothing from outside makes them panic, hang or fill the memory, and the fast
//! reader of XML sees what the general one sees.

use std::io::{self, Read};

use proptest::prelude::*;

use super::error::{Error, Fault};
use super::tag::Tag;
use super::xml::{self, Text, Visitor};
use super::{Comps, Metadata, Owners, Repomd, scan};

/// Writes down what it is told.
#[derive(Default)]
struct Recorder(Vec<String>);

impl Visitor for Recorder {
    const ROOT: &'static str = "a";
    const DOCUMENT: &'static str = "test";

    fn open(&mut self, depth: usize, tag: &Tag<'_>) -> Result<(), Fault> {
        let attributes = tag
            .attributes()
            .iter()
            .map(|it| Ok((it.name, it.value()?)))
            .collect::<Result<Vec<_>, Fault>>()?;
        self.0.push(format!("{depth} <{} {attributes:?}", tag.name()));
        Ok(())
    }

    fn close(&mut self, depth: usize, name: &str, text: Text<'_>) -> Result<(), Fault> {
        self.0.push(format!("{depth} {:?} {name}>", text.get()?));
        Ok(())
    }
}

/// Gives its bytes out in small, uneven pieces.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 % 7 + 1;
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn scanned(document: &str) -> Result<Vec<String>, Error> {
    let mut recorder = Recorder::default();
    scan::read("clay", Dribble(document.as_bytes(), 0), &mut recorder).map(|()| recorder.0)
}

fn parsed(document: &str) -> Result<Vec<String>, Error> {
    let mut recorder = Recorder::default();
    xml::read("clay", document.as_bytes(), &mut recorder).map(|()| recorder.0)
}

/// Well-formed documents.
fn documents() -> impl Strategy<Value = String> {
    let text = prop::collection::vec(
        prop_oneof![
            "[a-zé€ \n]{0,6}",
            Just("&lt;&amp;".to_owned()),
            Just("&#x41;".to_owned()),
            Just("a > b".to_owned())
        ],
        0..3,
    )
    .prop_map(|all| all.concat());
    let value = prop_oneof!["[a-z>/é=]{0,6}", Just("&quot;&#38;".to_owned())];
    let attribute =
        ("[a-z]{1,3}", value, prop_oneof!["\"", "'"], prop_oneof![" ", "\n  "], prop_oneof!["=", " = "])
            .prop_map(|(name, value, quote, space, equals)| {
                format!("{space}{name}{equals}{quote}{value}{quote}")
            });
    let attributes = prop::collection::vec(attribute, 0..3).prop_map(|mut all| {
        all.sort_unstable_by_key(|text| {
            text.trim_start().split('=').next().map(|name| name.trim().to_owned())
        });
        all.dedup_by_key(|text| text.trim_start().split('=').next().map(|name| name.trim().to_owned()));
        all.concat()
    });
    let other = prop_oneof![
        Just("<!-- a <b> & c -->".to_owned()),
        Just("<![CDATA[x <y> & z]]>".to_owned()),
        Just("<?target <data> ?>".to_owned()),
    ];
    let leaf = prop_oneof![text, other, attributes.clone().prop_map(|all| format!("<b{all}/>"))];
    let inner = leaf.prop_recursive(4, 40, 5, move |inner| {
        (prop_oneof!["b", "rpm:c"], attributes.clone(), prop::collection::vec(inner, 0..5))
            .prop_map(|(name, attributes, all)| format!("<{name}{attributes}>{}</{name} >", all.concat()))
    });
    let start =
        prop_oneof!["", "\u{feff}", "<\\?xml version=\"1.0\"\\?>\n", "<!DOCTYPE a SYSTEM \"b\">\n<!-- c -->"];
    (start, inner, prop_oneof!["", "\n<!-- end -->\n"])
        .prop_map(|(start, inner, end)| format!("{start}<a>{inner}</a>{end}"))
}

/// Pieces that mean something to an XML reader, in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "<|>|/|\"|'|=|&|;| |\n|a|b|é|!|-|\\?|\\[|\\]",
        "<a>|</a>|<a/>|<b c=\"d\">|</b>|<!--|-->|<!\\[CDATA\\[|\\]\\]>|<\\?x|\\?>|<!DOCTYPE a|&lt;|&#x41;|&x;",
    ];
    prop::collection::vec(piece, 0..20).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn both_readers_see_the_same_in_a_well_formed_document(document in documents()) {
        let (fast, general) = (scanned(&document).unwrap(), parsed(&document).unwrap());
        prop_assert_eq!(fast, general);
    }

    #[test]
    fn what_both_readers_accept_they_read_alike(document in soup(), wrap in any::<bool>()) {
        let document = if wrap { format!("<a>{document}</a>") } else { document };
        if let (Ok(fast), Ok(general)) = (scanned(&document), parsed(&document)) {
            prop_assert_eq!(fast, general);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in soup()) {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            let _ = Repomd::parse("clay", bytes);
            let _ = Comps::parse("clay", bytes);
            let _ = Metadata::parse("clay", bytes);
            let _ = Owners::find(&empty(), bytes, ["/a"]);
        }
    }

    #[test]
    fn a_damaged_primary_is_read_or_refused(at in 0..PRIMARY.len(), byte in any::<u8>(), cut in 0..PRIMARY.len()) {
        let mut bytes = PRIMARY.as_bytes().to_vec();
        bytes[at] = byte;
        let _ = Metadata::parse("clay", bytes.as_slice());
        prop_assert!(Metadata::parse("clay", &PRIMARY.as_bytes()[..cut]).is_err());
    }
}

fn empty() -> Metadata {
    Metadata::parse("clay", &b"<metadata/>"[..]).unwrap()
}

const PRIMARY: &str = "<metadata xmlns:rpm=\"x\"><package type=\"rpm\"><name>bash</name><arch>noarch</arch>\
    <version epoch=\"0\" ver=\"5\" rel=\"1\"/>\
    <checksum type=\"sha256\" pkgid=\"YES\">e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855</checksum>\
    <size package=\"1\" installed=\"2\" archive=\"3\"/><time file=\"1\" build=\"2\"/><location href=\"b.rpm\"/>\
    <format><rpm:requires><rpm:entry name=\"glibc\" flags=\"GE\" epoch=\"0\" ver=\"2\"/></rpm:requires>\
    <file>/bin/bash</file></format></package></metadata>";

fn refused(from: &str, to: &str) -> String {
    assert!(PRIMARY.contains(from), "{from}");
    Metadata::parse("clay", PRIMARY.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_hostile_primary_is_refused_by_name() {
    let package = &PRIMARY[PRIMARY.find("<package").unwrap()..PRIMARY.rfind("</metadata>").unwrap()];
    let twin = package.replace(">bash<", ">zsh<");
    insta::assert_snapshot!([
        refused("href=\"b.rpm\"", "href=\"a/../../x\""),
        refused("href=\"b.rpm\"", "href=\"/etc/x\""),
        refused("href=\"b.rpm\"", "href=\"https://elsewhere/b.rpm\""),
        refused("href=\"b.rpm\"", "href=\"b.rpm\" xml:base=\"http://elsewhere\""),
        refused("\"sha256\"", "\"md5\""),
        refused("\"sha256\"", "\"sha512\""),
        refused("package=\"1\"", "package=\"-1\""),
        refused("installed=\"2\"", "installed=\"99999999999999999999\""),
        refused(">bash<", ">ba\0sh<"),
        refused(">bash<", ">ba\nsh<"),
        refused("\"glibc\"", "\"gl&#10;ibc\""),
        refused("\"GE\"", "\"ABOUT\""),
        refused(" name=\"glibc\"", ""),
        refused("<name>bash</name>", ""),
        refused("<name>bash</name>", "<name>a</name><name>b</name>"),
        refused("ver=\"5\"", ""),
        refused("rel=\"1\"", ""),
        refused("epoch=\"0\"", "epoch=\"x\""),
        refused("ver=\"5\"", "ver=\"5-5\""),
        refused(">bash<", ">../bash<"),
        refused(">noarch<", ">no.arch<"),
        refused("type=\"rpm\"", "type=\"deb\""),
        refused("</package>", &format!("</package>{twin}")),
        refused("<metadata", "<!DOCTYPE a [<!ENTITY b \"c\">]><metadata"),
        refused(">bash<", ">&b;<"),
        refused("<format>", &"<x>".repeat(20)),
        refused("</format>", "</formats>"),
    ].join("\n"), @r"
    primary of repository `clay`, package `bash`, element `location`: location `a/../../x` is not a path inside the repository
    primary of repository `clay`, package `bash`, element `location`: location `/etc/x` is not a path inside the repository
    primary of repository `clay`, package `bash`, element `location`: location `https://elsewhere/b.rpm` is not a path inside the repository
    primary of repository `clay`, package `bash`, element `location`: location `http://elsewhere` is not a path inside the repository
    primary of repository `clay`, package `bash`, element `checksum`: checksum `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855` of type `md5` is not one that kiln accepts
    primary of repository `clay`, package `bash`, element `checksum`: checksum `e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855` of type `sha512` is not one that kiln accepts
    primary of repository `clay`, package `bash`, element `size`: package size is `-1`, not a number it can hold
    primary of repository `clay`, package `bash`, element `size`: installed size is `99999999999999999999`, not a number it can hold
    primary of repository `clay`, package number 1, element `name`: a control character in `ba\0sh`
    primary of repository `clay`, package number 1, element `name`: a control character in `ba\nsh`
    primary of repository `clay`, package `bash`, element `entry`: a control character in `gl\nibc`
    primary of repository `clay`, package `bash`, element `entry`: flags is `ABOUT`, which the format does not know
    primary of repository `clay`, package `bash`, element `entry`: no name
    primary of repository `clay`, package number 1, element `package`: no name
    primary of repository `clay`, package `a`, element `name`: element `name` twice
    primary of repository `clay`, package `bash`, element `version`: no version
    primary of repository `clay`, package `bash`, element `version`: no release
    primary of repository `clay`, package `bash`, element `version`: epoch is `x`, not a number it can hold
    primary of repository `clay`, package `bash`, element `version`: version `5-5` has a character that no version can have
    primary of repository `clay`, package `../bash`, element `package`: name `../bash` has a character that no name can have
    primary of repository `clay`, package `bash`, element `package`: arch `no.arch` has a character that no arch can have
    primary of repository `clay`, package number 1, element `package`: package type is `deb`, which the format does not know
    primary of repository `clay`, package `zsh`, element `package`: checksum `sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855` twice
    primary of repository `clay`, package number 1: a document type with declarations of its own, which could expand entities
    primary of repository `clay`, package number 1, element `name`: a reference to entity `b`, which XML does not define
    primary of repository `clay`, package `bash`, element `x`: elements nested more than 16 deep
    primary of repository `clay`, package `bash`, element `format`: not well-formed XML at byte 435: an element ends inside another
    ");
}

#[test]
fn the_same_package_twice_is_one() {
    let package = &PRIMARY[PRIMARY.find("<package").unwrap()..PRIMARY.rfind("</metadata>").unwrap()];
    let same = PRIMARY.replacen("</package>", &format!("</package>{package}"), 1);
    assert_eq!(Metadata::parse("clay", same.as_bytes()).unwrap().len(), 1);
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_place() {
    let mut bytes = PRIMARY.as_bytes().to_vec();
    let at = PRIMARY.find("glibc").unwrap();
    bytes[at] = 0xff;
    let expected = format!("bytes that are not UTF-8 at byte {at}");
    assert!(Metadata::parse("clay", bytes.as_slice()).unwrap_err().to_string().ends_with(&expected));
    let cut = [PRIMARY.as_bytes(), "é".as_bytes()].concat();
    assert!(Metadata::parse("clay", &cut[..cut.len() - 1]).is_err());
}

#[test]
fn a_string_without_end_is_refused_before_it_fills_the_memory() {
    for (start, endless) in [
        ("<metadata><package type=\"rpm\" x=\"", "y"),
        ("<metadata><package type=\"rpm\"><name>", "y"),
        ("<metadata><!--", "y"),
        ("<metadata><", "y"),
        ("<metadata></", "y"),
        ("", " "),
    ] {
        let input = start.as_bytes().chain(io::repeat(endless.as_bytes()[0]));
        let error = Metadata::parse("clay", io::BufReader::new(input)).unwrap_err().to_string();
        assert!(error.ends_with("a string of more than 1048576 bytes"), "{start}: {error}");
        if !start.is_empty() {
            let start = start.replace("metadata", "repomd");
            let bytes = [start.into_bytes(), endless.repeat(2 << 20).into_bytes()].concat();
            let error = Repomd::parse("clay", &bytes).unwrap_err().to_string();
            assert!(error.ends_with("a string of more than 1048576 bytes"), "{error}");
        }
    }
}

#[test]
fn lists_without_end_are_refused() {
    let entries = "<rpm:entry name=\"a\"/>".repeat(1 << 18);
    let error = refused("<rpm:requires>", &format!("<rpm:requires>{entries}"));
    assert!(error.ends_with("more than 262144 entries in one package"), "{error}");
}
