//! What the targets begin from: right things, made on the spot, into which the fuzzer's bytes are edited.

use std::io::Write as _;
use std::sync::LazyLock;

use kiln::metadata::Metadata;
use kiln::package::RelationKind;
use kiln::package::header::Header;
use pgp::composed::{DetachedSignature, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::ser::Serialize as _;
use pgp::types::{Password, Timestamp};

/// `whole` with edits: each is two bytes of place, a byte of length and so many bytes, which are put over what is there;
/// a length of 0 cuts everything from there on. Bytes that begin with `!` are taken as they are.
pub fn edited(whole: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    if let Some(plain) = data.strip_prefix(b"!") {
        return Some(plain.to_vec());
    }
    let mut bytes = whole.to_vec();
    let mut rest = data;
    while let [high, low, length, tail @ ..] = rest {
        let at = usize::from(u16::from_be_bytes([*high, *low]));
        if at >= bytes.len() {
            return None;
        }
        let length = usize::from(*length % 16).min(tail.len());
        if length == 0 {
            bytes.truncate(at);
            break;
        }
        let end = (at + length).min(bytes.len());
        bytes[at..end].copy_from_slice(&tail[..end - at]);
        rest = &tail[length..];
    }
    Some(bytes)
}

/// A small package with a file, a script and dependencies.
pub fn package() -> &'static [u8] {
    static PACKAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut builder = rpm::PackageBuilder::new("seed", "1", "MIT", "noarch", "a seed");
        builder
            .using_config(rpm::BuildConfig::v4().compression(rpm::CompressionType::None))
            .release("1")
            .requires(rpm::Dependency::any("(a if b)"))
            .provides(rpm::Dependency::eq("x", "1:2-3"))
            .post_install_script("true");
        builder.with_file_contents("content", rpm::FileOptions::new("/etc/seed")).expect("a file");
        let mut bytes = Vec::new();
        builder.build().expect("a package").write(&mut bytes).expect("memory");
        bytes
    });
    &PACKAGE
}

/// Where the main header of a package begins.
pub fn header_start(package: &[u8]) -> usize {
    let file = kiln::package::file::PackageFile::parse(package).expect("the seed is whole");
    file.header_range.start
}

/// Reads everything that kiln reads out of a header.
pub fn read_all(header: &Header<'_>) {
    for entry in header.entries() {
        let _ = header.raw(entry);
    }
    let _ = (
        header.nevra(),
        header.is_source(),
        header.format(),
        header.files(),
        header.scriptlets(),
        header.sysusers(),
    );
    let _ = header
        .relations(RelationKind::Requires)
        .map(|all| all.iter().map(|one| one.range().overlaps(&one.range())).count());
}

/// The tables of a repository with two packages.
pub fn tables() -> &'static [u8] {
    static TABLES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut text = b"<metadata>".to_vec();
        for (name, digit) in [("a", "0"), ("b", "1")] {
            write!(
                text,
                "<package type=\"rpm\"><name>{name}</name><arch>noarch</arch><version epoch=\"0\" ver=\"1\" rel=\"1\"/>\
                 <checksum type=\"sha256\">{}</checksum><location href=\"{name}.rpm\"/><format><rpm:requires>\
                 <rpm:entry name=\"b\" flags=\"GE\" ver=\"1\"/></rpm:requires><file>/bin/{name}</file></format></package>",
                digit.repeat(64)
            )
            .expect("memory");
        }
        text.extend(b"</metadata>");
        Metadata::parse("fuzz", text.as_slice()).expect("a repository").as_bytes().to_vec()
    });
    &TABLES
}

/// A certificate and a signature by it over `what is signed`.
pub fn signed() -> (&'static [u8], &'static [u8]) {
    static SIGNED: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
        let key = SecretKeyParamsBuilder::default()
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(true)
            .can_encrypt(EncryptionCaps::None)
            .created_at(Timestamp::from_secs(1_600_000_000))
            .primary_user_id("seed".into())
            .build()
            .expect("parameters")
            .generate(rand::thread_rng())
            .expect("a key");
        let signature = DetachedSignature::sign_binary_data(
            rand::thread_rng(),
            &key.primary_key,
            &Password::empty(),
            HashAlgorithm::Sha256,
            &b"what is signed"[..],
        )
        .expect("a signature");
        let certificate = SignedPublicKey::from(key).to_bytes().expect("memory");
        (certificate, signature.to_bytes().expect("memory"))
    });
    (&SIGNED.0, &SIGNED.1)
}
