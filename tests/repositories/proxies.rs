//! Proxies and credentials: of the environment, in URLs, and a repository's own.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::support::{Bench, package};

/// A server of files that keeps what it was told, and that can be a proxy: of any host it has the same files.
struct Listener {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// One that answers 401 to whom does not say `password` somewhere in the head.
    fn start(root: &Path, password: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heads, stopping) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (log, flag, root): (_, _, PathBuf) = (Arc::clone(&heads), Arc::clone(&stopping), root.to_owned());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                let head = answer(stream.unwrap(), &root, password).unwrap();
                log.lock().unwrap().push(head);
            }
        });
        Self { port, heads, stopping, thread: Some(thread) }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer(stream: TcpStream, root: &Path, password: &str) -> std::io::Result<String> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head)? > 2 {}
    let place = head.split_whitespace().nth(1).unwrap_or("/").to_owned();
    let path = place
        .strip_prefix("http://")
        .map_or(place.as_str(), |rest| rest.split_once('/').map_or("", |row| row.1));
    let (status, body) = match fs::read(root.join(path.trim_start_matches('/'))) {
        _ if !head.contains(password) => ("401 Unauthorized", Vec::new()),
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)?;
    Ok(head)
}

/// `me:secret` as HTTP writes it.
const CREDENTIALS: &str = "Basic bWU6c2VjcmV0";

fn bench() -> Bench {
    let bench = Bench::new();
    bench.repository("base", &[package("tool-1-1.x86_64", "")]);
    bench
}

#[test]
fn the_environments_proxy_is_asked_but_for_what_it_leaves_out() {
    let bench = bench();
    let root = bench.path("");
    let proxy = Listener::start(&root, "");
    let solve = |url: &str, variables: &[(&str, &str)]| {
        let mut kiln = bench.kiln();
        kiln.envs(variables.iter().copied()).args([
            "solve",
            "--arch",
            "x86_64",
            "tool",
            "--refresh",
            "--repo",
        ]);
        kiln.arg(format!("base={url}")).output().unwrap()
    };
    let place = format!("http://me:secret@127.0.0.1:{}", proxy.port);
    let output = solve("http://repository.invalid/base", &[("http_proxy", &place)]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let heads = proxy.heads();
    let first = "GET http://repository.invalid/base/repodata/repomd.xml HTTP/1.1";
    assert!(heads[0].starts_with(first), "{heads:?}");
    assert!(heads.iter().all(|head| head.contains(CREDENTIALS)), "{heads:?}");
    let direct = Listener::start(&root, "");
    let own = format!("http://127.0.0.1:{}/base", direct.port);
    let output = solve(&own, &[("http_proxy", &place), ("no_proxy", "127.0.0.1")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(proxy.heads().len(), heads.len());
    assert!(direct.heads()[0].starts_with("GET /base/repodata/repomd.xml"), "{:?}", direct.heads());
}

#[test]
fn credentials_in_an_address_are_sent_and_never_shown() {
    let bench = bench();
    let server = Listener::start(&bench.path(""), CREDENTIALS);
    let at = |user: &str| format!("base=http://{user}127.0.0.1:{}/base", server.port);
    assert_eq!(bench.solve(&[&at("me:secret@")], &["tool"]).lines(), ["tool-1-1.x86_64"]);
    for user in ["", "me:hidden@"] {
        let ran = bench.solve(&[&at(user)], &["tool"]);
        ran.expect(30).says("HTTP 401 unauthorized").says("put them in the URL");
        assert!(!ran.stderr().contains("hidden"), "{}", ran.stderr());
    }
}

#[test]
fn a_repository_has_a_proxy_and_credentials_of_its_own() {
    let bench = bench();
    let root = bench.path("");
    let server = Listener::start(&root, CREDENTIALS);
    let proxy = Listener::start(&root, "YUBiOmM6e2Q=");
    let solve = |lines: &str, variable: &str| {
        let lines = format!(
            "baseurl = \"http://127.0.0.1:{}/base\"\nusername = \"me\"\n{lines}\nmetadata_expire = 0",
            server.port
        );
        bench.release("", &[("base", &lines)]);
        let mut kiln = bench.kiln();
        kiln.env("http_proxy", variable).args(["solve", "tool", "-r"]).arg(bench.path("release.toml"));
        let output = kiln.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (nobody, secret) = ("http://127.0.0.1:1", "password = \"secret\"");
    assert_eq!(solve(&format!("{secret}\nproxy = \"_none_\""), nobody).0, Some(0));
    assert_eq!(solve(secret, nobody).0, Some(30), "the environment's");
    let own = format!(
        "{secret}\nproxy = \"http://127.0.0.1:{}\"\nproxy_username = \"a@b\"\nproxy_password = \"c:{{d\"",
        proxy.port
    );
    assert_eq!(solve(&own, nobody).0, Some(0));
    let kept = fs::read_dir(bench.path("store/repos/origins")).unwrap().map(|entry| entry.unwrap().path());
    for path in kept {
        assert!(!String::from_utf8_lossy(&fs::read(&path).unwrap()).contains("secret"), "{}", path.display());
    }
    let heads = proxy.heads();
    // `a@b:c:{d`, and the server's own as well.
    let told = |text: &str| heads.iter().all(|head| head.to_lowercase().contains(&text.to_lowercase()));
    assert!(told("proxy-authorization: Basic YUBiOmM6e2Q=") && told(CREDENTIALS), "{heads:?}");
    let (code, text) = solve("password = \"hidden\"\nproxy = \"_none_\"", nobody);
    assert_eq!(code, Some(30));
    assert!(text.contains("HTTP 401") && text.contains("`username`") && !text.contains("hidden"), "{text}");
    let server = server.heads();
    assert!(server.iter().all(|head| !head.to_lowercase().contains("proxy-authorization")), "{server:?}");
}
