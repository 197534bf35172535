//! Addresses may have secrets in them: names and passwords before the host, tokens behind the path.

/// An address for people and for files that others may read: without credentials and without a query. The text need not
/// be one that can be parsed.
pub fn without_secrets(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    // A password may have any character in it, so that only the last of these is sure to be before the host.
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}://{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let table = [
            ("https://me:secret@host:99999/a?token=x", "https://host:99999/a"),
            ("https://me:se/cr@et@host/a#b", "https://host/a"),
            ("https://me@", "https://"),
            ("http:///a", "http:///a"),
            ("/srv/re@po?", "/srv/re@po?"),
            ("me:secret", "me:secret"),
        ];
        for (address, shown) in table {
            assert_eq!(without_secrets(address), shown);
        }
    }
}
