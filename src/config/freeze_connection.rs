//! How a repository's servers are reached: what proves them and kiln, credentials, and the proxy on the way.

use std::fmt::Write as _;

use crate::config::document::ConnectionKeys;
use crate::config::freeze_repo::key_path;
use crate::config::release::{Check, Connection, Origin, Proxy};
use crate::config::variables::{Dollars, Variables};
use crate::config::written::Written;
use crate::config::{Error, without_secrets};

/// dnf's word for no proxy at all.
const NO_PROXY: &str = "_none_";

/// The connection that a repository's keys describe. Credentials become a part of the origin's addresses: a mirror on
/// another host, which a list names, is not told them.
pub(super) fn connection(
    keys: ConnectionKeys,
    origin: &mut Origin,
    vars: &Variables,
) -> Result<Connection, Error> {
    let path = |written: Option<Written<String>>| written.map(|text| key_path(&text, vars)).transpose();
    if let (None, Some(key)) = (&keys.sslclientcert, &keys.sslclientkey) {
        return Err(key.wrong("sslclientkey", "there is no `sslclientcert` that it is the key of"));
    }
    if let Some(credentials) = credentials(("username", keys.username), ("password", keys.password))? {
        match origin {
            Origin::Baseurl(urls) => urls.iter_mut().for_each(|url| introduce(url, &credentials)),
            Origin::Mirrorlist(url) | Origin::Metalink(url) => introduce(url, &credentials),
        }
    }
    if let (None, Some(name)) = (&keys.proxy, &keys.proxy_username) {
        return Err(name.wrong("proxy_username", "there is no `proxy` that it is for"));
    }
    let own = credentials(("proxy_username", keys.proxy_username), ("proxy_password", keys.proxy_password))?;
    Ok(Connection {
        servers: if keys.sslverify.is_none_or(|verify| verify.value) { Check::On } else { Check::Off },
        authorities: path(keys.sslcacert)?,
        certificate: path(keys.sslclientcert)?,
        key: path(keys.sslclientkey)?,
        proxy: proxy(keys.proxy, own, vars)?,
    })
}

/// `NAME:PASSWORD` as a URL has it. Both are taken as they are written, without variables, and are in no message.
fn credentials(
    (name_key, name): (&str, Option<Written<String>>),
    (key, password): (&str, Option<Written<String>>),
) -> Result<Option<String>, Error> {
    match (name, password) {
        (None, None) => Ok(None),
        (None, Some(password)) => {
            let hidden = Written { value: "...".to_owned(), ..password };
            Err(hidden.wrong(key, format!("there is no `{name_key}` that it belongs to")))
        }
        (Some(name), None) => Ok(Some(escape(&name.value))),
        (Some(name), Some(password)) => {
            Ok(Some(format!("{}:{}", escape(&name.value), escape(&password.value))))
        }
    }
}

/// Escapes all but RFC 3986's unreserved characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// Puts credentials into a URL of a server that has none of its own.
fn introduce(url: &mut String, credentials: &str) {
    let Some((scheme, rest)) = url.split_once("://") else { return };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if scheme != "file" && !host.contains('@') {
        *url = format!("{scheme}://{credentials}@{rest}");
    }
}

fn proxy(
    written: Option<Written<String>>,
    credentials: Option<String>,
    vars: &Variables,
) -> Result<Proxy, Error> {
    let Some(written) = written else { return Ok(Proxy::Environment) };
    let mut url = vars.expand(&written, Dollars::Variables)?;
    if url.is_empty() || url == NO_PROXY {
        return Ok(Proxy::None);
    }
    let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    if host
        .is_none_or(|host| host.is_empty() || url.chars().any(|one| one.is_control() || one.is_whitespace()))
    {
        let shown = Written { value: without_secrets(&written.value), ..written };
        return Err(
            shown.wrong("proxy", "a proxy is http://HOST:PORT or https://HOST:PORT, or `_none_` for none")
        );
    }
    if let Some(credentials) = credentials {
        introduce(&mut url, &credentials);
    }
    Ok(Proxy::Url(url))
}
