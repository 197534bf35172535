//! The HTTP client, and how servers and kiln prove themselves to each other.

use std::time::Duration;

use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, Identity, NoProxy, redirect};

use crate::config::{Check, Connection, Proxy};
use crate::fetch::{Cause, FetchOptions, Proxies};
use crate::sys::part::Regular;
use crate::unit::HostPath;

const REDIRECTS: usize = 10;
/// What a file of certificates may have at most.
const LIMIT: u64 = 16 << 20;

/// A client that reaches servers, proves itself to them and has them prove themselves in this way.
pub(super) fn client(options: &FetchOptions, connection: &Connection) -> Result<Client, Cause> {
    // An error says that a provider is there already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let failed = |error: &reqwest::Error| Cause::of(error, options.timeouts.stall);
    let mut builder = builder(options, &connection.proxy)?;
    if let Some(path) = &connection.authorities {
        let certificates =
            Certificate::from_pem_bundle(&read(path)?).map_err(|error| unusable(path, &error))?;
        if certificates.is_empty() {
            return Err(Cause::Certificate(format!("there is no certificate in {path}")));
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some(path) = &connection.certificate {
        let mut pem = read(path)?;
        if let Some(key) = &connection.key {
            pem.push(b'\n');
            pem.extend(read(key)?);
        }
        builder = builder.identity(Identity::from_pem(&pem).map_err(|error| unusable(path, &error))?);
    }
    if connection.servers == Check::Off {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    builder.build().or_else(|error| {
        if *connection != (Connection { proxy: connection.proxy.clone(), ..Connection::HOST }) {
            return Err(failed(&error));
        }
        // A host without any certificate: plain HTTP works all the same, and HTTPS says what is wrong.
        tracing::warn!(%error, "no certificates of this host could be read");
        self::builder(options, &connection.proxy)?.tls_certs_only([]).build().map_err(|error| failed(&error))
    })
}

fn read(path: &HostPath) -> Result<Vec<u8>, Cause> {
    Regular::open(path.as_path()).and_then(|file| file.read_all(LIMIT)).map_err(Cause::Local)
}

fn unusable(path: &HostPath, error: &reqwest::Error) -> Cause {
    let why = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    Cause::Certificate(format!("{path} cannot be used: {why}"))
}

fn builder(options: &FetchOptions, proxy: &Proxy) -> Result<ClientBuilder, Cause> {
    let client = match (proxy, options.proxies) {
        (Proxy::Environment, Proxies::FromEnvironment) => Client::builder(),
        (Proxy::Environment, Proxies::None) | (Proxy::None, _) => Client::builder().no_proxy(),
        (Proxy::Url(url), _) => {
            let proxy =
                reqwest::Proxy::all(url).map_err(|error| Cause::of(&error, options.timeouts.stall))?;
            Client::builder().proxy(proxy.no_proxy(NoProxy::from_env()))
        }
    };
    let client = client
        .user_agent(options.user_agent.clone())
        .connect_timeout(options.timeouts.connect)
        .timeout(options.timeouts.stall)
        .redirect(redirect::Policy::custom(follow))
        .referer(false)
        .tcp_keepalive(Duration::from_mins(1))
        .pool_idle_timeout(Duration::from_mins(1));
    Ok(client)
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let downgrade = attempt.url().scheme() == "http"
        && attempt.previous().last().is_some_and(|previous| previous.scheme() == "https");
    if downgrade {
        attempt.error("from https to http")
    } else if attempt.previous().len() > REDIRECTS {
        attempt.error("too many redirects")
    } else {
        attempt.follow()
    }
}
