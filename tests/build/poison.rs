//! What a spec file does while it is read, and what a build leaves for the next one: nothing of the host is found or
//! changed, nothing of the store either.

use std::path::Path;

use crate::support::{Place, spec_arguments, users};

const SECRET: &str = "a secret of the host";

/// Everything that rpm runs while it reads a spec file, and what a build writes to: MARK is a file of the host's, MARKS
/// a directory of it that everybody may write to.
const SPEC: &str = "%global shell %(cat MARK; echo x > MARKS/shell; cat MARK /etc/shadow)\n\
    %{lua:
        local file = io.open('MARK')
        if file then rpm.define('found ' .. file:read('a')) end
        local mark = io.open('MARKS/lua', 'w')
        if mark then mark:close() end
        os.execute('touch MARKS/execute')
    }\n\
    %{load:MARK}\n\
    Name: poison\nVersion: 1\nRelease: 1\nSummary: Poison\nLicense: MIT\nBuildArch: noarch\n\
    %description\nPoison. %{shell} %{?found}\n\
    %build\n\
    for file in /usr/bin/sh /usr/bin/rpmbuild /usr/lib/rpm/macros /etc/passwd /etc/ld.so.preload MARK; do\n\
        (echo evil >> $file) 2>/dev/null && echo \"wrote $file\"\n\
    done\n\
    ln -sf MARKS /tmp/later; : > /var/tmp/later; : > /dev/shm/later; (: > /run/later) 2>/dev/null || :\n\
    cp /usr/bin/id /builddir/id; chmod 4755 /builddir/id\n\
    ls -A /tmp /var/tmp /dev/shm | grep evil-of-an-earlier-build || :\n\
    : > /tmp/evil-of-an-earlier-build\n\
    %install\nmkdir -p %{buildroot}/usr/share/poison\n%files\n/usr/share/poison\n";

fn text_below(directory: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &text_below(&path);
        } else {
            text += &String::from_utf8_lossy(&std::fs::read(&path).unwrap());
        }
    }
    text
}

#[test]
fn a_spec_file_finds_nothing_of_the_host_and_leaves_nothing_for_the_next_build() {
    for user in users() {
        let place = Place::new(user);
        std::fs::create_dir_all(place.path("sources")).unwrap();
        let sources = place.path("sources");
        let mark = place.write("mark", SECRET);
        let marks = place.path("marks");
        std::fs::create_dir(&marks).unwrap();
        std::fs::set_permissions(&marks, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let named = |text: &str| {
            text.replace("MARKS", marks.to_str().unwrap()).replace("MARK", mark.to_str().unwrap())
        };
        // A file that is not there cannot be loaded; the rest is read without it.
        let spec = place.write("poison.spec", &named(&SPEC.replace("%{load:MARK}\n", "")));
        for verb in ["srpm", "build", "build"] {
            let arguments = spec_arguments(verb, &spec, &sources);
            let ran = place.run(&[&arguments[..], &["--result", "result"]].concat());
            ran.expect(0);
            let all = ran.text() + &ran.stderr() + &text_below(&place.path("result"));
            assert!(
                !all.contains(SECRET) && !all.contains("root:*:") && !all.contains("root:$"),
                "{user:?} {verb}"
            );
            assert!(
                !all.contains("wrote /") && !all.contains("\nevil-of-an-earlier-build"),
                "{user:?} {verb}: {all}"
            );
        }
        for line in ["%include MARK\n", "%{load:MARK}\n"] {
            let spec = place.write("include.spec", &named(&format!("{line}{SPEC}")));
            let ran =
                place.run(&[&spec_arguments("srpm", &spec, &sources)[..], &["--result", "other"]].concat());
            assert!(!ran.succeeded(), "{line}");
            let all = ran.text() + &ran.stderr();
            assert!(!all.contains(SECRET), "{line}: {all}");
        }
        assert_eq!(std::fs::read_to_string(&mark).unwrap(), SECRET);
        assert_eq!(std::fs::read_dir(&marks).unwrap().count(), 0, "a mark was made on the host");
        place.run(&["store", "verify"]).expect(0);
    }
}
