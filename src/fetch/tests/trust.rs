//! Where keys come from, and signed metadata.

use std::sync::Mutex;

use pgp::crypto::hash::HashAlgorithm;

use super::keys::{Made, NOW, Recipe};
use super::repository::{repomd, serve};
use super::server::{Fault, Server};
use super::{Store, fetcher, offline, repo, told};
use crate::config::{Check, Expired, Key, KeyLocation, Origin, Repo};
use crate::fetch::{Error, Repository, Trust};
use crate::report::{Event, Reporter, Silent};
use crate::unit::HostPath;

fn signed(server: &Server, keys: Vec<Key>) -> Repo {
    let repo = repo(Origin::Baseurl(vec![server.url("r")]));
    Repo { gpgcheck: Check::On, repo_gpgcheck: Check::On, keys, ..repo }
}

fn by_path(dir: &tempfile::TempDir, name: &str, made: &Made) -> Key {
    let path = HostPath::new(dir.path().join(name));
    crate::sys::fs::write(&path, made.armoured().as_bytes()).unwrap();
    Key { location: KeyLocation::Path(path), fingerprint: None, expired: Expired::Refused }
}

fn get(repo: &Repo, store: &Store) -> Result<Repository, Error> {
    fetcher().repository(repo, &store.path, &Silent)
}

#[test]
fn signed_metadata_is_used_and_unsigned_is_not() {
    let (made, dir, server) = (Recipe::default().make(), tempfile::tempdir().unwrap(), Server::start());
    serve(&server, &repomd(1));
    let keys = vec![by_path(&dir, "key", &made)];
    let store = Store::new();
    let error = get(&signed(&server, keys.clone()), &store).unwrap_err();
    assert!(told(&error).ends_with("there is no signature (repomd.xml.asc), and repo_gpgcheck is on"));
    assert!(!error.is_unavailable(), "must not be skipped");
    for (signature, why) in [(made.sign(b"else"), "is bad"), (b"x".to_vec(), "cannot be read")] {
        server.put("r/repodata/repomd.xml.asc", &signature, Fault::None);
        let error = get(&signed(&server, keys.clone()), &store).unwrap_err();
        assert!(told(&error).contains(why), "{}", told(&error));
        assert!(store.list("repos").is_empty());
    }
    server.put("r/repodata/repomd.xml.asc", &made.sign(&repomd(1)), Fault::None);
    let repository = get(&signed(&server, keys.clone()), &store).unwrap();
    let Trust::Keys(keyring) = &repository.upstream.trust else { panic!("no keys") };
    assert_eq!(keyring.fingerprints(), [made.fingerprint()]);
    offline().repository(&signed(&server, keys), &store.path, &Silent).unwrap();
}

#[test]
fn metadata_that_came_unsigned_is_fetched_again_when_it_must_be_signed() {
    let (made, dir, server) = (Recipe::default().make(), tempfile::tempdir().unwrap(), Server::start());
    serve(&server, &repomd(1));
    let store = Store::new();
    let strict = Repo { metadata_expire: 1000, ..signed(&server, vec![by_path(&dir, "key", &made)]) };
    let lax = Repo { repo_gpgcheck: Check::Off, ..strict.clone() };
    get(&lax, &store).unwrap();
    assert!(get(&strict, &store).is_err());
    assert!(offline().repository(&strict, &store.path, &Silent).is_err());
    server.put("r/repodata/repomd.xml.asc", &made.sign(&repomd(1)), Fault::None);
    get(&strict, &store).unwrap();
}

#[test]
fn a_key_by_url_must_be_pinned_and_is_kept() {
    let (made, server) = (Recipe::default().make(), Server::start());
    serve(&server, &repomd(1));
    server.put("r/repodata/repomd.xml.asc", &made.sign(&repomd(1)), Fault::None);
    server.put("key", made.armoured().as_bytes(), Fault::None);
    let location = KeyLocation::Url(server.url("key"));
    let key = |fingerprint| vec![Key { location: location.clone(), fingerprint, expired: Expired::Refused }];
    let store = Store::new();
    let error = get(&signed(&server, key(None)), &store).unwrap_err();
    assert!(error.to_string().ends_with("has no pinned fingerprint"), "{error}");
    assert_eq!(server.hits("key"), 0);
    let error = get(&signed(&server, key(Some("0".repeat(40)))), &store).unwrap_err();
    assert!(told(&error).contains("has no key with the fingerprint 00"), "{}", told(&error));
    let pinned = signed(&server, key(Some(made.fingerprint())));
    get(&pinned, &store).unwrap();
    get(&pinned, &store).unwrap();
    assert_eq!(server.hits("key"), 2);
    offline().repository(&pinned, &store.path, &Silent).unwrap();
}

#[test]
fn a_kept_key_that_expired_is_asked_for_again() {
    let server = Server::start();
    serve(&server, &repomd(1));
    // The same key, with two signatures of its own: one with an end, and a later one without.
    let rsa = Recipe { kind: pgp::composed::KeyType::Rsa(2048), ..Recipe::default() };
    let (old, new) = (Recipe { lasts: Some(86_400), ..rsa.clone() }.make(), rsa.make());
    assert_eq!(old.fingerprint(), new.fingerprint());
    server.put("r/repodata/repomd.xml.asc", &new.sign(&repomd(1)), Fault::None);
    server.put("key", old.armoured().as_bytes(), Fault::None);
    let location = KeyLocation::Url(server.url("key"));
    let repo = signed(
        &server,
        vec![Key { location, fingerprint: Some(new.fingerprint()), expired: Expired::Refused }],
    );
    let store = Store::new();
    let error = get(&repo, &store).unwrap_err();
    assert!(told(&error).contains("it expired on 2022-09-20"), "{}", told(&error));
    assert!(error.hint().unwrap().contains("update the key file"));
    assert!(store.list("repos/keys").is_empty(), "what does not count is not kept");
    crate::sys::fs::create_dir_all(store.path.join("repos/keys")).unwrap();
    let kept = store.path.join("repos/keys").join(format!("{}.asc", new.fingerprint()));
    crate::sys::fs::write(&kept, &crate::unit::seal(old.armoured().as_bytes())).unwrap();
    server.put("key", new.armoured().as_bytes(), Fault::None);
    get(&repo, &store).unwrap();
    let sealed = crate::sys::fs::read(&kept).unwrap();
    assert_eq!(crate::unit::unseal(&sealed), Some(new.armoured().as_bytes()));
}

#[test]
fn an_expired_key_counts_where_the_release_file_says_so() {
    let (server, dir, store) = (Server::start(), tempfile::tempdir().unwrap(), Store::new());
    serve(&server, &repomd(1));
    let made = Recipe { lasts: Some(86_400), ..Recipe::default() }.make();
    let signature = made.sign_with(&repomd(1), HashAlgorithm::Sha256, NOW - 1000 * 86_400 + 60, &[]);
    server.put("r/repodata/repomd.xml.asc", &signature, Fault::None);
    let key = |expired| {
        let key = by_path(&dir, "key", &made);
        signed(&server, vec![Key { fingerprint: Some(made.fingerprint()), expired, ..key }])
    };
    let error = get(&key(Expired::Refused), &store).unwrap_err();
    assert!(told(&error).contains("it expired on 2022-09-20"), "{}", told(&error));
    assert!(error.hint().unwrap().contains("accept_expired"), "{:?}", error.hint());
    get(&key(Expired::Accepted), &store).unwrap();
}

#[test]
fn a_key_that_cannot_be_used_is_told_of_as_long_as_another_can() {
    struct Warnings(Mutex<Vec<String>>);
    impl Reporter for Warnings {
        fn report(&self, event: Event) {
            if let Event::Message { text, .. } = event {
                self.0.lock().unwrap().push(text);
            }
        }
    }
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start());
    serve(&server, &repomd(1));
    let old = Recipe { lasts: Some(86_400), ..Recipe::default() }.make();
    let good = Recipe { created: NOW as u32 - 10, ..Recipe::default() }.make();
    let missing = Key {
        location: KeyLocation::Path(HostPath::new("/nonexistent/key")),
        fingerprint: None,
        expired: Expired::Refused,
    };
    let keys = vec![by_path(&dir, "old", &old), missing.clone(), by_path(&dir, "good", &good)];
    server.put("r/repodata/repomd.xml.asc", &good.sign(&repomd(1)), Fault::None);
    let warnings = Warnings(Mutex::default());
    fetcher().repository(&signed(&server, keys), &Store::new().path, &warnings).unwrap();
    let warnings = warnings.0.into_inner().unwrap();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("it expired on"), "{warnings:?}");
    assert!(warnings[1].contains("cannot read the key /nonexistent/key"), "{warnings:?}");
    let error = get(&signed(&server, vec![missing]), &Store::new()).unwrap_err();
    assert!(told(&error).starts_with("cannot read the key /nonexistent/key: open("), "{}", told(&error));
}
