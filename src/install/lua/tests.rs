use super::*;

/// What expressions give, as text; `DIR` is a directory of the test's own.
fn results(chunk: &Chunk, expressions: &[&str]) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let shared = Rc::new(Shared { original: sys::process::pid(), macros: RefCell::default() });
    let lua = state(chunk, &shared).unwrap();
    let evaluate = |expression: &&str| {
        let text = expression.replace("DIR", directory.path().to_str().unwrap());
        let code = format!(
            "local list = table.pack({text}) local t = {{}}
             for at = 1, list.n do t[at] = tostring(list[at]) end return table.concat(t, ' ')"
        );
        let found = lua.load(code).eval::<String>().unwrap_or_else(|error| first_line(&error));
        found.replace(directory.path().to_str().unwrap(), "DIR")
    };
    expressions.iter().map(evaluate).collect()
}

fn first_line(error: &mlua::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("runtime error: ").unwrap_or(line).to_owned()
}

fn check(table: &[(&str, &str)]) {
    let expressions = table.iter().map(|row| row.0).collect::<Vec<_>>();
    for ((expression, expected), found) in table.iter().zip(results(&Chunk::default(), &expressions)) {
        assert_eq!(found, *expected, "{expression}");
    }
}

#[test]
fn files_are_made_changed_and_described_as_in_rpm() {
    check(&[
        ("posix.mkdir('DIR/d')", "0.0"),
        ("posix.mkdir('DIR/d')", "nil DIR/d: File exists 17.0"),
        ("posix.symlink('d', 'DIR/l')", "0.0"),
        ("posix.readlink('DIR/l')", "d"),
        ("posix.stat('DIR/l', 'type')", "link"),
        ("posix.stat('DIR/d', 'mode')", "rwxr-xr-x"),
        ("posix.chmod('DIR/d', 'go-rx')", "0.0"),
        ("posix.stat('DIR/d').mode", "rwx------"),
        ("posix.chmod('DIR/d', '01777')", "0.0"),
        ("posix.stat('DIR/d', 'mode')", "rwxrwxrwt"),
        ("posix.stat('DIR/d', 'nothing')", "invalid option 'nothing'"),
        ("posix.stat('DIR/none')", "nil DIR/none: No such file or directory 2.0"),
        ("posix.utime('DIR/d', 1000)", "0.0"),
        ("posix.stat('DIR/d', 'mtime')", "1000.0"),
        ("posix.access('DIR/d', 'rx')", "0.0"),
        ("posix.access('DIR/none')", "nil DIR/none: No such file or directory 2.0"),
        ("io.open('DIR/f', 'w'):write('text'):close()", "true"),
        ("posix.link('DIR/f', 'DIR/g')", "0.0"),
        ("posix.stat('DIR/f').nlink", "2.0"),
        ("posix.unlink('DIR/g')", "0.0"),
        ("posix.mkfifo('DIR/p')", "0.0"),
        ("posix.stat('DIR/p', 'type')", "fifo"),
        ("table.concat(posix.dir('DIR'), ' ')", ". .. d f l p"),
        ("(function() local n = 0 for _ in posix.files('DIR') do n = n + 1 end return n end)()", "6"),
        ("posix.rmdir('DIR/d')", "0.0"),
        ("rpm.open('DIR/f'):read()", "text"),
        ("rpm.open('DIR/f', 'a'):write(' more')", "5"),
        ("rpm.open('DIR/f', 'r.ufdio'):read(6)", "text m"),
        ("rpm.open('DIR/none')", "DIR/none open failed: No such file or directory"),
        ("rpm.open('DIR/f', 'r.gzdio')", "streams of the kind `gzdio` are not for scriptlets"),
        ("#rpm.glob('DIR/*')", "3"),
        ("#rpm.glob('DIR/x*'), rpm.glob('DIR/x*', 'c')[1]", "0 DIR/x*"),
        ("posix.stat((posix.mkstemp('DIR/t.XXXXXX'))).mode", "rw-------"),
    ]);
}

#[test]
fn programs_run_and_say_how_they_ended() {
    check(&[
        ("rpm.execute('true')", "0.0"),
        ("rpm.execute('sh', '-c', 'exit 3')", "nil exit code 3.0"),
        ("rpm.execute('sh', '-c', 'kill -9 $$')", "nil exit signal 9.0"),
        ("rpm.execute('/no/such')", "nil No such file or directory 2.0"),
        ("rpm.spawn({'sh', '-c', 'echo out; echo err >&2'}, {stdout = 'DIR/o', stderr = 'DIR/e'})", "0.0"),
        ("rpm.open('DIR/o'):read() .. rpm.open('DIR/e'):read()", "out\nerr\n"),
        ("rpm.spawn({'cat'}, {stdin = 'DIR/o', stdout = 'DIR/o2'}), rpm.open('DIR/o2'):read()", "0.0 out\n"),
        ("rpm.spawn({'true'}, {nowhere = 'x'})", "invalid spawn directive: nowhere"),
        ("posix.exec('/bin/true')", "exec not permitted in this context"),
        ("os.exit(0)", "exit not permitted in this context"),
        (
            "(function() local pid = posix.fork()
                 if pid == 0 then posix.redirect2null(1) posix.exec('/bin/sh', '-c', 'echo x; exit 0') end
                 return posix.wait(pid) == pid end)()",
            "true",
        ),
    ]);
}

#[test]
fn versions_words_and_macros_work_as_in_rpm() {
    check(&[
        ("rpm.vercmp('1.0-1', '1:0.9-1')", "-1"),
        ("rpm.vercmp('1.0~rc1', '1.0')", "-1"),
        ("rpm.ver('1:2-3')", "1:2-3"),
        ("rpm.ver('2-3').e, rpm.ver('2-3').v, rpm.ver('2-3').r", "nil 2 3"),
        ("rpm.ver('1', '2', '3') > rpm.ver('9-9'), rpm.ver('1.0') == rpm.ver('1.00')", "true true"),
        ("table.concat(rpm.splitargs('a \"b c\" d'), '|')", "a|b c|d"),
        ("rpm.unsplitargs({'a', 'b c'})", "a \"b c\""),
        ("rpm.b64encode('foo'), rpm.b64decode('Zm9v')", "Zm9v foo"),
        ("rpm.isdefined('kiln_test')", "false false"),
        (
            "(function() rpm.define('kiln_test one %{?two}') return rpm.expand('<%{kiln_test}>') end)()",
            "<one >",
        ),
        ("macros.kiln_test", "one "),
        ("(function() macros.other = '%%x' return macros.other end)()", "%x"),
        ("macros.none", "nil"),
        (
            "rpm.expand('%(echo x)')",
            "error expanding macro: the macro `%(echo x)` needs rpm itself to be expanded",
        ),
        ("(function() rpm.register('e', function(x) return x + 1 end) return rpm.call('e', 41) end)()", "42"),
        ("rpm.interactive()", "rpm.interactive() is not for scriptlets"),
    ]);
}

#[test]
fn the_process_knows_itself() {
    check(&[
        ("posix.getpasswd('root').uid, posix.getpasswd(0, 'name')", "0.0 root"),
        ("posix.getpasswd('nobody-at-all')", "nil"),
        ("posix.getgroup('root').gid, posix.getgroup('none')", "0.0 nil"),
        ("posix.getprocessid('pid') > 1", "true"),
        ("posix.uname('%s %%')", "Linux %"),
        ("posix.uname('%q')", "unknown format option 'q'"),
        ("posix.sysconf('open_max') > 0, posix.pathconf('/', 'name_max')", "true 255.0"),
        ("posix.times().utime < 10", "true"),
        ("posix.umask()", "rwxr-xr-x"),
        ("posix.getenv('KILN_NONE')", "nil"),
        ("posix.getcwd() ~= nil, posix.getlogin(), posix.ctermid()", "true nil /dev/tty"),
    ]);
}

#[test]
fn scripts_are_told_paths_and_prefixes() {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let chunk = Chunk { paths: Some(owned(&["/a", "/b"])), prefixes: owned(&["/opt"]), ..Chunk::default() };
    let found =
        results(&chunk, &["rpm.next_file()", "rpm.next_file()", "rpm.next_file()", "RPM_INSTALL_PREFIX[1]"]);
    assert_eq!(found, ["/a", "/b", "nil", "/opt"]);
    assert_eq!(results(&Chunk::default(), &["rpm.next_file", "RPM_INSTALL_PREFIX"]), ["nil", "nil"]);
}

#[test]
fn a_failing_script_names_itself() {
    let shared = Rc::new(Shared { original: sys::process::pid(), macros: RefCell::default() });
    let body = "if arg[2] == 1 then error('no way') end".to_owned();
    let chunk = Chunk { name: "%pre(a-1-1.noarch)".to_owned(), body, args: vec![1], ..Chunk::default() };
    let error = run(&chunk, &shared).unwrap_err();
    assert!(error.to_string().contains("%pre(a-1-1.noarch):1: no way"), "{error}");
}
