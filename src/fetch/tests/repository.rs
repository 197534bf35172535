//! Repositories: what vouches for them, and what is asked when.

use super::server::{Fault, Server};
use super::{Store, fetcher, offline, repo, told};
use crate::config::Origin;
use crate::fetch::{Error, Repository};
use crate::report::Silent;
use crate::unit::Digest;

const PRIMARY: &[u8] = b"the packages";
const FILELISTS: &[u8] = b"the files";

fn data(kind: &str, location: &str, content: &[u8]) -> String {
    format!(
        r#"<data type="{kind}"><checksum type="sha256">{}</checksum><location href="{location}"/><size>{}</size></data>"#,
        Digest::sha256(content).hex(),
        content.len()
    )
}

/// A `repomd.xml`.
pub(super) fn repomd(revision: u32) -> Vec<u8> {
    let documents =
        [data("primary", "repodata/p.xml.zst", PRIMARY), data("filelists", "repodata/f.xml.gz", FILELISTS)];
    let text = format!(
        r#"<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>{revision}</revision>{}</repomd>"#,
        documents.concat()
    );
    text.into_bytes()
}

pub(super) fn serve(server: &Server, repomd: &[u8]) {
    server.put("r/repodata/repomd.xml", repomd, Fault::None);
    server.put("r/repodata/p.xml.zst", PRIMARY, Fault::None);
    server.put("r/repodata/f.xml.gz", FILELISTS, Fault::None);
}

fn get(origin: Origin, store: &Store, expire: u64) -> Result<Repository, Error> {
    let repo = crate::config::Repo { metadata_expire: expire, ..repo(origin) };
    fetcher().repository(&repo, &store.path, &Silent)
}

fn base(server: &Server) -> Origin {
    Origin::Baseurl(vec![server.url("r")])
}

#[test]
fn what_is_there_is_not_asked_for_again() {
    let server = Server::start();
    serve(&server, &repomd(1));
    let store = Store::new();
    let first = get(base(&server), &store, 0).unwrap();
    assert_eq!(first.snapshot, Digest::sha256(&repomd(1)));
    let primary = first.path("primary").unwrap().unwrap();
    assert!(primary.to_string().ends_with("primary.zst"));
    assert_eq!(crate::sys::fs::read(primary).unwrap(), PRIMARY);
    assert_eq!(server.log(), ["/r/repodata/repomd.xml", "/r/repodata/p.xml.zst"]);
    // Fresh: nobody is asked.
    get(base(&server), &store, 1000).unwrap();
    assert_eq!(server.log().len(), 2);
    // Expired, unchanged: one conditional request.
    get(base(&server), &store, 0).unwrap();
    assert_eq!(server.log().len(), 3);
    assert!(server.log()[2].starts_with("/r/repodata/repomd.xml if-none-match="));
    // Changed: another state beside the first, whose documents stay.
    serve(&server, &repomd(2));
    let second = get(base(&server), &store, 0).unwrap();
    assert_ne!(second.dir, first.dir);
    assert!(first.path("primary").unwrap().is_some_and(crate::sys::fs::exists));
    assert!(store.list("tmp").is_empty());
}

#[test]
fn filelists_come_when_they_are_wanted() {
    let server = Server::start();
    serve(&server, &repomd(1));
    let store = Store::new();
    let repository = get(base(&server), &store, 0).unwrap();
    let fetcher = fetcher();
    for _ in 0..2 {
        let path = fetcher.document(&repository, "filelists", &store.path, &Silent).unwrap().unwrap();
        assert_eq!(crate::sys::fs::read(path).unwrap(), FILELISTS);
    }
    assert_eq!(server.hits("r/repodata/f.xml.gz"), 1);
    assert_eq!(fetcher.document(&repository, "other", &store.path, &Silent).unwrap(), None);
}

#[test]
fn offline_uses_what_is_there_or_says_what_is_not() {
    let server = Server::start();
    serve(&server, &repomd(1));
    let store = Store::new();
    let error = offline().repository(&repo(base(&server)), &store.path, &Silent).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the metadata of repository `x` is not in the store, and the network is off"
    );
    let repository = get(base(&server), &store, 0).unwrap();
    let before = server.log().len();
    let kept = offline().repository(&repo(base(&server)), &store.path, &Silent).unwrap();
    assert_eq!(kept.snapshot, repository.snapshot);
    let error = offline().document(&kept, "filelists", &store.path, &Silent).unwrap_err();
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    assert_eq!(server.log().len(), before);
}

#[test]
fn a_repository_of_this_host_is_read_also_offline() {
    let dir = tempfile::tempdir().unwrap();
    crate::sys::fs::create_dir_all(dir.path().join("repodata")).unwrap();
    for (name, content) in [("repomd.xml", repomd(1).as_slice()), ("p.xml.zst", PRIMARY)] {
        crate::sys::fs::write(dir.path().join("repodata").join(name), content).unwrap();
    }
    let path = dir.path().to_str().unwrap().to_owned();
    for origin in [path.clone(), format!("file://{path}/")] {
        let store = Store::new();
        let repo = repo(Origin::Baseurl(vec![origin]));
        let repository = offline().repository(&repo, &store.path, &Silent).unwrap();
        assert!(repository.path("primary").unwrap().is_some_and(crate::sys::fs::exists));
    }
}

#[test]
fn a_mirror_that_serves_something_else_is_passed_over() {
    let (bad, good) = (Server::start(), Server::start());
    serve(&good, &repomd(1));
    let foreign: [&[u8]; 4] = [b"<html>log in first</html>", b"", b"<repomd/>", &repomd(1)[..50]];
    for content in foreign {
        serve(&bad, content);
        let origin = Origin::Baseurl(vec![bad.url("r"), good.url("r")]);
        let repository = get(origin, &Store::new(), 0).unwrap();
        assert_eq!(repository.snapshot, Digest::sha256(&repomd(1)));
    }
    let error = get(base(&bad), &Store::new(), 0).unwrap_err();
    assert!(
        told(&error).starts_with("cannot get the metadata of repository `x`: http://"),
        "{}",
        told(&error)
    );
}

#[test]
fn a_document_with_wrong_bytes_fails_and_is_not_kept() {
    let server = Server::start();
    serve(&server, &repomd(1));
    server.fault("r/repodata/p.xml.zst", Fault::Flipped);
    let store = Store::new();
    let error = get(base(&server), &store, 0).unwrap_err();
    assert!(told(&error).contains("wrong bytes"), "{}", told(&error));
    let snapshot = Digest::sha256(&repomd(1)).hex();
    assert_eq!(store.list(&format!("repos/{snapshot}")), ["repomd.xml"]);
    // Nothing is remembered, so the next run asks again.
    server.fault("r/repodata/p.xml.zst", Fault::None);
    get(base(&server), &store, 1000).unwrap();
}

#[test]
fn what_was_there_survives_a_repository_that_is_gone() {
    let server = Server::start();
    serve(&server, &repomd(1));
    let store = Store::new();
    get(base(&server), &store, 0).unwrap();
    server.fault("r/repodata/repomd.xml", Fault::Status(503));
    let error = get(base(&server), &store, 0).unwrap_err();
    assert!(error.is_unavailable());
    assert_eq!(error.hint().unwrap(), "the store has it as it was 0 min ago; --offline uses that");
    assert!(offline().repository(&repo(base(&server)), &store.path, &Silent).is_ok());
}

fn metalink(states: &[&[u8]], mirrors: &[String]) -> Vec<u8> {
    let state = |bytes: &[u8]| {
        format!(
            "<size>{}</size><verification><hash type=\"sha256\">{}</hash></verification>",
            bytes.len(),
            Digest::sha256(bytes).hex()
        )
    };
    let others: Vec<String> =
        states[1..].iter().map(|bytes| format!("<mm0:alternate>{}</mm0:alternate>", state(bytes))).collect();
    let url = |mirror: &String| format!("<url protocol=\"http\">{mirror}/repodata/repomd.xml</url>");
    let urls: Vec<String> = mirrors.iter().map(url).collect();
    format!(
        "<metalink xmlns:mm0=\"x\"><files><file name=\"repomd.xml\">{}<mm0:alternates>{}</mm0:alternates>\
         <resources>{}</resources></file></files></metalink>",
        state(states[0]),
        others.concat(),
        urls.concat()
    )
    .into_bytes()
}

#[test]
fn a_metalink_vouches_for_the_metadata() {
    let (stale, good) = (Server::start(), Server::start());
    serve(&stale, &repomd(1));
    serve(&good, &repomd(3));
    let mirrors = [stale.url("r"), good.url("r")];
    good.put("metalink", &metalink(&[&repomd(3), &repomd(2)], &mirrors), Fault::None);
    let origin = || Origin::Metalink(good.url("metalink"));
    let store = Store::new();
    let repository = get(origin(), &store, 0).unwrap();
    assert_eq!(repository.snapshot, Digest::sha256(&repomd(3)));
    // What the metalink says is current is not fetched again.
    let before = good.hits("r/repodata/repomd.xml");
    get(origin(), &store, 0).unwrap();
    assert_eq!(good.hits("r/repodata/repomd.xml"), before);
    // A state that it still knows is accepted, but not in place of a later one.
    serve(&good, &repomd(2));
    assert_eq!(get(origin(), &Store::new(), 0).unwrap().snapshot, Digest::sha256(&repomd(2)));
    good.put("metalink", &metalink(&[&repomd(4), &repomd(3), &repomd(2)], &mirrors), Fault::None);
    assert_eq!(get(origin(), &store, 0).unwrap().snapshot, Digest::sha256(&repomd(3)));
    // One that it does not know is not, whoever serves it.
    serve(&good, &repomd(9));
    let error = told(&get(origin(), &Store::new(), 0).unwrap_err());
    assert_eq!(error.matches("wrong bytes").count(), 2, "{error}");
}

#[test]
fn a_mirror_list_is_read_and_its_reason_is_quoted() {
    let server = Server::start();
    serve(&server, &repomd(1));
    server.put("list", format!("# mirrors\n{}\n", server.url("r")).as_bytes(), Fault::None);
    let origin = || Origin::Mirrorlist(server.url("list"));
    get(origin(), &Store::new(), 0).unwrap();
    server.put("list", b"# no such repository\n", Fault::None);
    let error = get(origin(), &Store::new(), 0).unwrap_err();
    let text = "the mirror list of repository `x` names no mirror that can be used: no such repository";
    assert_eq!(error.to_string(), text);
    server.fault("list", Fault::Status(404));
    let error = get(origin(), &Store::new(), 0).unwrap_err();
    assert!(error.to_string().starts_with("cannot get the mirror list of repository `x`"), "{error}");
}

#[test]
fn a_damaged_memory_is_nothing_known() {
    let server = Server::start();
    serve(&server, &repomd(1));
    let store = Store::new();
    get(base(&server), &store, 0).unwrap();
    for name in store.list("repos/origins") {
        crate::sys::fs::write(store.path.join("repos/origins").join(name), b"{").unwrap();
    }
    get(base(&server), &store, 1000).unwrap();
    assert_eq!(server.hits("r/repodata/repomd.xml"), 2);
    assert_eq!(server.hits("r/repodata/p.xml.zst"), 1);
}

#[test]
fn several_come_at_once_and_one_that_may_be_missing_is_left_out() {
    let server = Server::start();
    serve(&server, &repomd(1));
    let named = |id: &str, url: String| crate::config::Repo {
        id: id.to_owned(),
        skip_if_unavailable: id == "may",
        ..repo(Origin::Baseurl(vec![url]))
    };
    let repos = [named("a", server.url("r")), named("may", server.url("gone")), named("b", server.url("r"))];
    let store = Store::new();
    let got = fetcher().repositories(&repos, &store.path, &Silent).unwrap();
    assert_eq!(got.iter().map(|repository| repository.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let must = [named("a", server.url("r")), named("must", server.url("gone"))];
    let error = fetcher().repositories(&must, &store.path, &Silent).unwrap_err();
    assert_eq!(error.to_string(), "cannot get the metadata of repository `must`");
}
