//! Where a repository is, found out: the mirrors that a base URL, a mirror list or a metalink names.

use crate::config::Origin;
use crate::fetch::batch::Batch;
use crate::fetch::metalink::{Metalink, State};
use crate::fetch::{Error, Mirrors, url};

const LIST_LIMIT: u64 = 8 << 20;

/// What an origin came to.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) mirrors: Mirrors,
    /// What `repomd.xml` may be; empty where nothing vouches for it.
    pub(super) states: Vec<State>,
}

/// Finds the mirrors of `repo`.
pub(super) fn find(batch: &Batch<'_>, repo: &str, origin: &Origin) -> Result<Found, Error> {
    match origin {
        Origin::Baseurl(urls) => {
            let mirrors = Mirrors::new(urls.iter().map(String::as_str))?;
            Ok(Found { mirrors, states: Vec::new() })
        }
        Origin::Mirrorlist(place) => {
            let what = format!("the mirror list of repository `{repo}`");
            read(&what, &text(batch, place, &what)?, place)
        }
        Origin::Metalink(place) => {
            let what = format!("the metalink of repository `{repo}`");
            let text = text(batch, place, &what)?;
            if Metalink::looks_like(&text) {
                return read(&what, &text, place);
            }
            Err(Error::Metalink { what, why: said(&text).unwrap_or_else(|| "it is not XML".to_owned()) })
        }
    }
}

fn text(batch: &Batch<'_>, place: &str, what: &str) -> Result<String, Error> {
    let bytes = batch.text(&url::parse(place)?, LIST_LIMIT, what)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads a list, plain or metalink, that came from `place`. Only a list on this host may name files of this host.
fn read(what: &str, text: &str, place: &str) -> Result<Found, Error> {
    let near = url::local(&url::parse(place)?).is_some();
    let usable = |url: &&str| {
        url::parse(url).is_ok_and(|url| near || url::local(&url).is_none()) && (near || !url.starts_with('/'))
    };
    if !Metalink::looks_like(text) {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(usable).collect();
        return found((what, place), &lines, Vec::new(), said(text));
    }
    let metalink = Metalink::parse(text).map_err(|why| Error::Metalink { what: what.to_owned(), why })?;
    let bases: Vec<&str> = metalink.bases.iter().map(String::as_str).filter(usable).collect();
    found((what, place), &bases, metalink.states, None)
}

fn found(
    (what, place): (&str, &str),
    urls: &[&str],
    states: Vec<State>,
    said: Option<String>,
) -> Result<Found, Error> {
    if urls.is_empty() {
        return Err(Error::NoMirrors { what: what.to_owned(), said });
    }
    let lent: Vec<_> = urls.iter().map(|mirror| url::with_credentials(mirror, place)).collect();
    Ok(Found { mirrors: Mirrors::new(lent.iter().map(String::as_str))?, states })
}

/// What a list says in place of mirrors: its first comment or line, which is where servers put the reason.
fn said(text: &str) -> Option<String> {
    let line = text.lines().map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty())?;
    let plain: String = line.chars().filter(|character| !character.is_control()).take(200).collect();
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_list_gives_its_urls_and_nothing_else() {
        let text = "# repo = x\n\nhttp://a/x/\n  https://b/x\nrsync://c/x\nfile:///etc\n/etc\n<html>\n";
        let found = read("the list", text, "http://list").unwrap();
        assert_eq!(found.mirrors.urls().collect::<Vec<_>>(), ["http://a/x/", "https://b/x/"]);
        let found = read("the list", "/srv/repo\n", "/srv/list").unwrap();
        assert_eq!(found.mirrors.urls().collect::<Vec<_>>(), ["file:///srv/repo/"]);
    }

    #[test]
    fn a_list_without_mirrors_is_quoted() {
        let error = read("the list", "# Bad Repository: check it\n", "http://list").unwrap_err();
        assert_eq!(error.to_string(), "the list names no mirror that can be used: Bad Repository: check it");
    }
}
