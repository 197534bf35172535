//! What a hostile build leaves where its packages are looked for: none of it comes out, nothing outside is touched.

use std::time::{Duration, Instant};

use crate::support::{Place, spec_arguments, users};

/// What is planted in the directory of packages, and the words of the refusal.
const PLANTED: &[(&str, &str, &str)] = &[
    ("link", "ln -s /etc/shadow a.rpm", "refused"),
    ("ladder", "ln -s ../../../../../../../../etc/shadow a.rpm", "refused"),
    ("pipe", "mkfifo a.rpm", "refused"),
    ("directory", "mkdir a.rpm", "refused"),
    ("name", "touch \"$(printf 'x\\033[31m.rpm')\"", "refused"),
    ("newline", "touch \"$(printf 'x\\ny.rpm')\"", "refused"),
    ("text", "echo text > a.rpm", "refused"),
    ("empty", ": > a.rpm", "refused"),
    ("sparse", "truncate -s 1T a.rpm", "refused"),
    ("hollow", "truncate -s 60G a.rpm", "refused"),
    ("parent", "cd ..; mv RPMS R; ln -s /etc RPMS", ""),
];

const SPEC: &str = "Version: 1\nRelease: 1\nSummary: Hostile\nLicense: MIT\nBuildArch: noarch\n\
    %description\nHostile.\n%build\ncd %{_topdir}/RPMS\n";

#[test]
fn nothing_comes_out_but_packages() {
    let place = Place::new(*users().last().unwrap());
    std::fs::create_dir_all(place.path("sources")).unwrap();
    let sources = place.path("sources");
    for (name, planted, says) in PLANTED {
        let spec = place.write(&format!("{name}.spec"), &format!("Name: {name}\n{SPEC}{planted}\n%files\n"));
        let result = format!("{name}-result");
        let began = Instant::now();
        let arguments = spec_arguments("build", &spec, &sources);
        let ran = place.run(&[&arguments[..], &["--result", &result]].concat());
        ran.expect(10).says(says);
        assert!(!ran.stderr().contains('\u{1b}'), "{name}: an escape sequence reached the terminal");
        assert!(began.elapsed() < Duration::from_mins(3), "{name}: {:?}", began.elapsed());
        let out = std::fs::read_dir(place.path(&result)).unwrap().flatten();
        let out: Vec<_> = out
            .map(|entry| entry.file_name())
            .filter(|name| name.to_string_lossy().ends_with(".rpm"))
            .collect();
        // The source package is kiln's own, made before the build.
        assert!(out.iter().all(|name| name.to_string_lossy().ends_with("-1-1.src.rpm")), "{name}: {out:?}");
    }
}
