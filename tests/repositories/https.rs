//! Servers that prove who they are, servers that do not, and servers that want kiln to.

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::support::{Bench, Ran, package};

/// An authority, made with openssl, with certificates for a server and for a client.
struct Authority {
    directory: PathBuf,
}

impl Authority {
    fn new(directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).unwrap();
        let authority = Self { directory };
        authority.openssl("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=authority \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem");
        authority.certificate("server", "subjectAltName=IP:127.0.0.1");
        authority.certificate("elsewhere", "subjectAltName=DNS:elsewhere.example");
        authority.certificate("client", "extendedKeyUsage=clientAuth");
        authority
    }

    fn certificate(&self, name: &str, extension: &str) {
        fs::write(self.path("extensions"), format!("{extension}\nbasicConstraints=CA:FALSE\n")).unwrap();
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -days 30 -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions -out {name}.pem"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.directory)
            .output()
            .expect("openssl runs");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// Whether a server wants to know who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clients {
    Anybody,
    Certified,
}

/// A server of files over HTTPS; one connection after the other.
struct Server {
    port: u16,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(directory: &Path, authority: &Authority, name: &str, clients: Clients) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let file = |name: &str| CertificateDer::from_pem_file(authority.path(name)).unwrap();
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = match clients {
            Clients::Anybody => builder.unwrap().with_no_client_auth(),
            Clients::Certified => {
                let mut roots = RootCertStore::empty();
                roots.add(file("ca.pem")).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.unwrap().with_client_cert_verifier(verifier)
            }
        };
        let key = PrivateKeyDer::from_pem_file(authority.path(&format!("{name}.key"))).unwrap();
        let config = builder.with_single_cert(vec![file(&format!("{name}.pem"))], key).unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopping = Arc::new(AtomicBool::new(false));
        let (flag, root) = (Arc::clone(&stopping), directory.to_owned());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                // A client that hangs up is a client that does not like the certificate.
                let _ = answer(stream.unwrap(), &config, &root);
            }
        });
        Self { port, stopping, thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("https://127.0.0.1:{}/base", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.thread.take().unwrap().join().unwrap();
    }
}

fn answer(stream: TcpStream, config: &Arc<ServerConfig>, root: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20)))?;
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    let mut first = String::new();
    stream.read_line(&mut first)?;
    let mut line = String::new();
    while stream.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/');
    let (status, body) = match fs::read(root.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    let stream = stream.get_mut();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)?;
    stream.conn.send_close_notify();
    stream.flush()?;
    let _ = stream.sock.read(&mut [0]);
    Ok(())
}

struct World {
    bench: Bench,
    ours: Authority,
    others: Authority,
}

impl World {
    fn new() -> Self {
        let bench = Bench::new();
        bench.repository("base", &[package("tool-1-1.x86_64", "")]);
        let (ours, others) = (Authority::new(bench.path("ours")), Authority::new(bench.path("others")));
        Self { bench, ours, others }
    }

    fn solve(&self, server: &Server, lines: &str) -> Ran {
        let lines = format!("baseurl = \"{}\"\nmetadata_expire = 0\n{lines}", server.url());
        self.bench.release("", &[("base", &lines)]);
        self.bench.solve_release(&["tool"])
    }
}

#[test]
fn a_server_must_prove_who_it_is() {
    let world = World::new();
    let server = Server::start(&world.bench.path(""), &world.ours, "server", Clients::Anybody);
    let line = |authority: &Authority| format!("sslcacert = \"{}\"", authority.path("ca.pem").display());
    world.solve(&server, "").expect(30).says("invalid peer certificate").says("ca-certificates");
    world.solve(&server, &line(&world.others)).expect(30).says("invalid peer certificate");
    assert_eq!(world.solve(&server, &line(&world.ours)).lines(), ["tool-1-1.x86_64"]);
    // The host's own certificates, as the environment says where they are.
    let with_host = |authority: &Authority| {
        let lines = format!("baseurl = \"{}\"\nmetadata_expire = 0", server.url());
        world.bench.release("", &[("base", &lines)]);
        let release = world.bench.path("release.toml");
        let mut kiln = world.bench.kiln();
        kiln.env("SSL_CERT_FILE", authority.path("ca.pem"));
        kiln.args(["solve", "tool", "-r"]).arg(release).output().unwrap().status.code()
    };
    assert_eq!(with_host(&world.ours), Some(0));
    assert_eq!(with_host(&world.others), Some(30));
    let ran = world.solve(&server, "sslverify = false");
    assert_eq!(ran.lines(), ["tool-1-1.x86_64"]);
    ran.says("servers of repository base need not prove who they are");
}

#[test]
fn a_server_must_be_the_one_that_was_meant() {
    let world = World::new();
    let server = Server::start(&world.bench.path(""), &world.ours, "elsewhere", Clients::Anybody);
    let line = format!("sslcacert = \"{}\"", world.ours.path("ca.pem").display());
    world.solve(&server, &line).expect(30).says("not valid for name");
}

#[test]
fn kiln_proves_itself_where_a_server_asks() {
    let world = World::new();
    let server = Server::start(&world.bench.path(""), &world.ours, "server", Clients::Certified);
    let lines = |authority: &Authority, name: &str| {
        format!(
            "sslcacert = \"{}\"\nsslclientcert = \"{}\"\nsslclientkey = \"{}\"",
            world.ours.path("ca.pem").display(),
            authority.path(&format!("{name}.pem")).display(),
            authority.path(&format!("{name}.key")).display(),
        )
    };
    let good = lines(&world.ours, "client");
    assert_eq!(world.solve(&server, &good).lines(), ["tool-1-1.x86_64"]);
    // The key in the same file as the certificate.
    let both =
        [fs::read(world.ours.path("client.pem")).unwrap(), fs::read(world.ours.path("client.key")).unwrap()];
    fs::write(world.ours.path("both.pem"), both.concat()).unwrap();
    let one = good.replace("client.pem", "both.pem");
    let one = one.lines().filter(|line| !line.contains("sslclientkey")).collect::<Vec<_>>().join("\n");
    assert_eq!(world.solve(&server, &one).lines(), ["tool-1-1.x86_64"]);
    world.solve(&server, good.lines().next().unwrap()).expect(30).says("repository `base`");
    world.solve(&server, &lines(&world.others, "client")).expect(30).says("repository `base`");
    let absent = good.replace("client.key", "absent.key");
    world.solve(&server, &absent).expect(30).says("absent.key");
    let wrong = good.replace("client.pem", "extensions");
    world.solve(&server, &wrong).expect(30).says("extensions cannot be used");
    let alone = good.replace("sslclientcert", "# sslclientcert");
    world.solve(&server, &alone).expect(3).says("there is no `sslclientcert`");
}
