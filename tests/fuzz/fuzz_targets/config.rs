//! Release files: what is read can be shown, and what is shown reads back the same.
#![no_main]

use kiln::config::{FileError, Files, Overrides, load, show};
use kiln::unit::HostPath;
use libfuzzer_sys::fuzz_target;

struct One(String);

impl Files for One {
    fn read(&self, path: &HostPath) -> Result<Option<String>, FileError> {
        Ok((path.as_path() == std::path::Path::new("/r.toml")).then(|| self.0.clone()))
    }

    fn list(&self, _: &HostPath) -> Result<Vec<String>, FileError> {
        Ok(Vec::new())
    }
}

fuzz_target!(|data: &str| {
    let read = |text: String| load("/r.toml", &One(text), &[], &Overrides::default());
    let Ok(release) = read(data.to_owned()) else { return };
    let text = show(&release);
    let again = read(text.clone()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(again.repos, release.repos, "{text}");
    assert_eq!(
        show(&again).lines().skip(1).filter(|line| !line.starts_with('#')).collect::<Vec<_>>(),
        text.lines().skip(1).filter(|line| !line.starts_with('#')).collect::<Vec<_>>()
    );
});
