//! The hard packages: one feature each, written as spec files and built by the host's own rpmbuild.

/// A package: its name, what stands before `%description`, what its `%install` runs in the build root, and the rest.
pub(crate) struct Hard {
    pub(crate) name: &'static str,
    pub(crate) preamble: &'static str,
    pub(crate) install: &'static str,
    pub(crate) rest: &'static str,
}

const fn hard(name: &'static str, preamble: &'static str, install: &'static str, rest: &'static str) -> Hard {
    Hard { name, preamble, install, rest }
}

/// What every root begins with: directories, links among them, accounts, a shell. `@` is where the host's files go.
pub(crate) const BASE: Hard = hard(
    "base",
    "AutoReqProv: no",
    r"mkdir -p etc opt srv tmp usr/bin usr/lib usr/lib64 var/lib var/tmp
ln -s usr/bin bin; ln -s usr/lib lib; ln -s usr/lib64 lib64
printf 'root:x:0:0::/root:/bin/sh\nalice:x:1001:1002::/:/bin/sh\n' > etc/passwd
printf 'root:x:0:\nmakers:x:1002:\n' > etc/group
for file in $(ldd /bin/dash | grep -o '/[^ ]*') /bin/dash; do cp -L $file usr/lib64/; done
mv usr/lib64/dash usr/bin/sh; mv usr/lib64/libc.so.6 usr/lib/
printf '#!/bin/sh\necho say $* >> /log\n' > usr/bin/say; chmod 755 usr/bin/say",
    r"%files
/bin
/lib
/lib64
/usr/lib/libc.so.6
%dir /etc
%dir /opt
%dir /srv
%attr(1777, root, root) %dir /tmp
%dir /usr
/usr/bin
%dir /usr/lib
/usr/lib64
%dir /var
%dir /var/lib
%attr(1777, root, root) %dir /var/tmp
/etc/passwd
/etc/group",
);

/// Which rpm the root has decides how file triggers are called; it is the one that the host compares with.
pub(crate) const RPM: Hard = hard("rpm", "Version: 4.18.0", "", "%files");

/// All of them.
pub(crate) const PACKAGES: &[Hard] = &[
    // Scriptlets of every kind.
    hard(
        "scripts",
        "Requires(pre): base",
        "mkdir -p srv; echo x > srv/scripts",
        r#"%pretrans -p <lua>
posix.mkdir("/var") posix.mkdir("/var/scripts")
local f = io.open("/var/scripts/pretrans", "w") f:write("pretrans ", tostring(arg[1]), tostring(arg[2]), tostring(arg[3])) f:close()
%pre
echo "scripts pre $# $*" >> /log; [ -e /srv/scripts ] && echo there >> /log; true
%post
echo "scripts post $# $*" >> /log; [ -e /srv/scripts ] && echo there >> /log; pwd >> /log; umask >> /log
%posttrans
echo "scripts posttrans $# $*" >> /log
%preun
echo "scripts preun" >> /log
%postun
echo "scripts postun" >> /log
%verifyscript
echo "scripts verify" >> /log
%files
/srv/scripts"#,
    ),
    hard(
        "say",
        "",
        "",
        "%pre -p /usr/bin/say\n%post -p /usr/bin/say\n%posttrans -p /bin/sh\necho shell >> /log\n%files",
    ),
    hard("arguments", "", "", "%post -p \"/bin/sh -e\"\necho \"arguments $-\" >> /log\n%files"),
    hard(
        "expand",
        "",
        "",
        "%post -e\necho '%{_prefix} %{?none}%{!?none:no} 100%% %{expand:%%{_bindir}}' >> /log\n%posttrans -e\necho %{name} >> /log\n%files",
    ),
    hard(
        "query",
        "Epoch: 3",
        "mkdir opt; echo 1 > opt/query1; echo 2 > opt/query2",
        "%post -q\necho '%%{NAME} %%{EPOCH} %%{VERSION}-%%{RELEASE} %%-8{ARCH}| %%9{nvr} 100%%%% [%%{BASENAMES}=%%{=NEVRA}/%%{FILEMODES} ]' >> /log\n%files\n/opt/*",
    ),
    hard(
        "lua",
        "",
        "",
        r#"%pretrans -p <lua>
posix.mkdir("/var") posix.mkdir("/var/lua")
%pre -p <lua>
local out = io.open("/log", "a")
local function say(...) out:write(table.concat({...}, " "), "\n") end
say("lua", tostring(arg[1]), tostring(arg[2]), tostring(arg[3]))
say(rpm.vercmp("1.0", "1.0~rc1"), rpm.vercmp("1", "2"), rpm.vercmp("a", "a"))
say(rpm.expand("%{_prefix}"), posix.getcwd(), tostring(posix.access("/usr", "x")), tostring(posix.access("/none")))
out:close()
%post -p <lua>
local out = io.open("/log", "a")
local function say(...) out:write(table.concat({...}, " "), "\n") end
posix.mkdir("/var/lua/d") posix.chmod("/var/lua/d", "rwxr-x--T") posix.symlink("d", "/var/lua/l")
posix.chmod("/var/lua/d", "u+s") 
local f = io.open("/var/lua/f", "w") f:write("x") f:close()
posix.chmod("/var/lua/f", "640") posix.chown("/var/lua/f", 1001, 1002)
posix.link("/var/lua/f", "/var/lua/g")
posix.utime("/var/lua/f", 1000, 2000)
say(posix.readlink("/var/lua/l"), posix.stat("/var/lua/f", "mode"), posix.stat("/var/lua/d", "type"), posix.stat("/var/lua/f", "nlink"))
local names = posix.dir("/var/lua") table.sort(names) say(table.concat(names, ","))
os.rename("/var/lua/g", "/var/lua/h")
say(tostring(os.remove("/var/lua/none")))
say(tostring(rpm.execute("/bin/sh", "-c", "echo executed >> /log; exit 3")))
say(tostring(os.execute("echo shell >> /log")))
posix.setenv("KILN", "yes") say(posix.getenv("KILN")) posix.unsetenv("KILN") say(tostring(posix.getenv("KILN")))
out:close()
%posttrans -p <lua>
local out = io.open("/log", "a") out:write("posttrans", "\n") out:close()
posix.rmdir("/var/lua/d") posix.unlink("/var/lua/l")
%files"#,
    ),
    hard(
        "changes",
        "Requires(pre): base",
        "mkdir -p opt/changes/sub; cd opt/changes; for f in a b c d e; do echo $f > $f; done",
        r#"%post -p <lua>
local d = "/opt/changes/"
os.remove(d .. "a") posix.chmod(d .. "b", "0600") posix.link(d .. "c", d .. "c2")
local f = io.open(d .. "d", "a") f:write("more") f:close()
os.remove(d .. "e") posix.mkdir(d .. "e")
os.rename(d .. "sub", d .. "moved")
%files
/opt/changes"#,
    ),
    // A directory of an earlier package is moved, as packages do that make a directory a link.
    hard(
        "moves",
        "Requires(pre): dirs",
        "",
        r#"%pretrans -p <lua>
local st = posix.stat("/opt/dirs/one")
local out = io.open("/log", "a")
if st and st.type == "directory" then
  local ok, why, code = os.rename("/opt/dirs/one", "/opt/dirs/one.moved")
  out:write("moved ", tostring(ok), "\n")
else out:write("not there\n") end
out:close()
%files"#,
    ),
    hard(
        "dirs",
        "Requires(pre): base",
        "mkdir -p opt/dirs/one opt/dirs/two; echo 1 > opt/dirs/one/f; echo 2 > opt/dirs/two/f",
        "%files\n%attr(0750, alice, makers) %dir /opt/dirs\n%attr(2775, root, makers) %dir /opt/dirs/one\n%attr(1777, nobody-here, root) %dir /opt/dirs/two\n%attr(4755, nobody-here, makers) /opt/dirs/two/f\n%attr(6755, alice, nobody-here) /opt/dirs/one/f",
    ),
    // Triggers on each other.
    hard(
        "trigger-a",
        "",
        "",
        r#"%triggerin -- trigger-b
echo "a in b $*" >> /log
%triggerprein -- trigger-b, trigger-c
echo "a prein $*" >> /log
%triggerin -- trigger-a
echo "a in a $*" >> /log
%triggerun -- trigger-b
echo never >> /log
%triggerpostun -- trigger-b
echo never >> /log
%files"#,
    ),
    hard(
        "trigger-b",
        "Version: 2",
        "",
        r#"%triggerin -- trigger-a, trigger-c
echo "b in $*" >> /log
%triggerprein -- trigger-a > 0
echo "b prein $*" >> /log
%post
echo "b post" >> /log
%files"#,
    ),
    hard(
        "trigger-c",
        "Provides: trigger-virtual = 3",
        "",
        r#"%triggerin -p <lua> -- trigger-b >= 2, trigger-a < 1
local out = io.open("/log", "a") out:write("c in ", tostring(arg[2]), tostring(arg[3]), "\n") out:close()
%triggerin -- trigger-b < 2
echo "c old b" >> /log
%triggerin -- trigger-virtual
echo "c virtual $*" >> /log
%triggerin -p /usr/bin/say -- trigger-b
%files"#,
    ),
    // File triggers.
    hard(
        "file-trigger",
        "",
        "mkdir -p opt/ft; echo x > opt/ft/own",
        r#"%filetriggerin -- /opt/ft
while read -r p; do echo "ft $* $p" >> /log; done
%filetriggerin -P 50 -- /opt/ft/sub /usr/share/ft
while read -r p; do echo "ft 50 $* $p" >> /log; done
%filetriggerin -P 200000 -p <lua> -- /opt/ft/own
local p = rpm.next_file() while p do local o = io.open("/log", "a") o:write("ft lua ", p, "\n") o:close() p = rpm.next_file() end
%post
echo "ft post" >> /log
%triggerin -- files-one, files-two
echo "ft triggerin" >> /log
%files
/opt/ft"#,
    ),
    hard(
        "trans-trigger",
        "",
        "",
        r#"%transfiletriggerin -- /opt/ft
while read -r p; do echo "tt $* $p" >> /log; done
%transfiletriggerin -P 2000 -- /opt/ft /usr/share
while read -r p; do echo "tt 2000 $p" >> /log; done
%transfiletriggerin -P 300000 -p <lua> -- /usr/share/ft
local p = rpm.next_file() while p do local o = io.open("/log", "a") o:write("tt lua ", p, "\n") o:close() p = rpm.next_file() end
%posttrans
echo "tt posttrans" >> /log
%files"#,
    ),
    hard(
        "trans-trigger-2",
        "",
        "mkdir -p usr/share/ft; echo x > usr/share/ft/tt2",
        "%transfiletriggerin -P 150000 -- /usr/share/ft\nwhile read -r p; do echo \"tt2 $p\" >> /log; done\n%filetriggerin -P 9999 -- /\nread -r p; echo \"tt2 first $p\" >> /log\n%files\n/usr/share/ft/tt2",
    ),
    hard(
        "files-one",
        "",
        "mkdir -p opt/ft/sub usr/share/ft/d; echo 1 > opt/ft/sub/one; echo 1 > usr/share/ft/d/one; echo 1 > opt/ft-not",
        "%post\necho \"one post\" >> /log\n%files\n/opt/ft/sub\n/usr/share/ft/d\n/opt/ft-not\n%ghost /opt/ft/ghost",
    ),
    hard(
        "files-two",
        "",
        "mkdir -p opt/ft; echo 2 > opt/ft/two; ln -s two opt/ft/link",
        "%files\n/opt/ft/two\n/opt/ft/link",
    ),
    // Files.
    hard(
        "caps",
        "Requires(pre): base",
        "mkdir -p usr/bin; for f in c1 c2 c3 s1 s2; do echo $f > usr/bin/$f; done; ln usr/bin/c3 usr/bin/c4",
        "%files\n%caps(cap_net_raw=ep) /usr/bin/c1\n%caps(cap_setuid,cap_net_bind_service=eip) /usr/bin/c2\n%attr(0750, root, makers) %caps(cap_sys_admin=p) /usr/bin/c3\n%attr(0750, root, makers) %caps(cap_sys_admin=p) /usr/bin/c4\n%attr(4711, root, root) /usr/bin/s1\n%attr(2755, root, makers) /usr/bin/s2",
    ),
    hard(
        "ghosts",
        "",
        "mkdir -p opt/g; touch opt/g/made opt/g/never; mkdir opt/g/dir",
        "%post\necho made > /opt/g/made\n%files\n%dir /opt/g\n%ghost /opt/g/made\n%ghost %attr(600, alice, root) /opt/g/never\n%ghost %dir /opt/g/dir",
    ),
    hard(
        "hardlinks",
        "",
        "mkdir -p opt/h1 srv/h2 etc; echo linked > opt/h1/a; ln opt/h1/a srv/h2/b; ln opt/h1/a opt/h1/c; echo c > etc/hl1; ln etc/hl1 etc/hl2; touch opt/h1/empty; ln opt/h1/empty srv/h2/empty",
        "%files\n/opt/h1\n/srv/h2\n%config /etc/hl1\n%config /etc/hl2",
    ),
    hard(
        "hardlinks-owned",
        "Requires(pre): base",
        "mkdir -p opt/ho; echo linked > opt/ho/a; for n in b c d; do ln opt/ho/a opt/ho/$n; done",
        "%files\n%defattr(0640, alice, makers, 0755)\n/opt/ho",
    ),
    hard(
        "hardlinks-made",
        "Requires(pre): base",
        "mkdir -p opt/hm; echo one > opt/hm/a; ln opt/hm/a opt/hm/b",
        r#"%post -p <lua>
local f = io.open("/opt/hm/c", "w") f:write("made") f:close()
posix.link("/opt/hm/c", "/srv/hm-d") posix.link("/opt/hm/c", "/opt/hm/e")
%files
/opt/hm"#,
    ),
    hard(
        "hardlinks-changed",
        "Requires(pre): base",
        "mkdir -p opt/hx/deep srv/hx; cd opt/hx; echo one > a; ln a ../../srv/hx/b; ln a deep/a; echo two > c; ln c d; echo three > e; ln e f; ln e deep/g; echo four > h; ln h i; ln h deep/h; echo five > j; ln j k",
        r#"%post
echo more >> /opt/hx/a
while read line; do echo "changed $line" >> /log; done < /srv/hx/b
echo own > /opt/hx/new
%triggerin -- file-trigger, say, docs
while read line; do echo "later $line" >> /log; done < /opt/hx/deep/a
%posttrans -p <lua>
os.rename("/opt/hx/new", "/opt/hx/d")
os.remove("/opt/hx/e")
posix.chmod("/opt/hx/f", "rw-------")
os.rename("/opt/hx/h", "/opt/hx/moved")
posix.link("/opt/hx/j", "/srv/hx/l")
local f = io.open("/srv/hx/b", "a") f:write("again\n") f:close()
for line in io.lines("/opt/hx/deep/a") do
    local f = io.open("/log", "a") f:write("read ", line, "\n") f:close()
end
%files
/opt/hx
/srv/hx"#,
    ),
    hard(
        "hardlinks-doc",
        "",
        "mkdir -p usr/share/doc/hd opt/hd; echo linked > usr/share/doc/hd/a; ln usr/share/doc/hd/a opt/hd/b",
        "%files\n%doc /usr/share/doc/hd\n/opt/hd",
    ),
    hard(
        "through-link",
        "Requires(pre): base",
        "mkdir -p bin lib lib64/deep; echo t > bin/through; echo t > lib/through; echo d > lib64/deep/through",
        "%files\n/bin/through\n/lib/through\n/lib64/deep",
    ),
    hard(
        "link-dir",
        "Requires(pre): base",
        "mkdir -p opt/real; echo r > opt/real/f; ln -s real opt/alias; ln -s /opt/real srv/absolute 2>/dev/null || { mkdir srv; ln -s /opt/real srv/absolute; }",
        "%files\n/opt/real\n/opt/alias\n/srv/absolute",
    ),
    hard(
        "through-alias",
        "Requires(pre): link-dir",
        "mkdir -p opt/alias srv/absolute; echo a > opt/alias/a; echo b > srv/absolute/b",
        "%files\n/opt/alias/a\n/srv/absolute/b",
    ),
    hard(
        "dir-on-link",
        "Requires(pre): link-dir",
        "mkdir -p opt/alias; echo d > opt/alias/d",
        "%files\n%dir /opt/alias\n/opt/alias/d",
    ),
    hard(
        "links",
        "Requires(pre): base",
        "mkdir -p opt/l; ln -s nowhere opt/l/dangling; ln -s ../../../../etc/passwd opt/l/up; ln -s /etc/passwd opt/l/abs; ln -s . opt/l/self",
        "%files\n%attr(-, alice, makers) /opt/l",
    ),
    hard(
        "names",
        "",
        "mkdir -p 'opt/n a m e'; echo 1 > 'opt/n a m e/sp ace'; echo 2 > 'opt/n a m e/ü'; echo 3 > 'opt/n a m e/[x]'; echo 4 > \"opt/n a m e/it's\"",
        "%files\n\"/opt/n a m e\"",
    ),
    hard("unowned-parents", "", "mkdir -p a/b/c/d; echo deep > a/b/c/d/f", "%files\n/a/b/c/d/f"),
    hard("empty-files", "", "mkdir opt; for n in $(seq 40); do : > opt/empty$n; done", "%files\n/opt/empty*"),
    hard(
        "big",
        "",
        "mkdir opt; head -c 3000000 /dev/zero > opt/zeros; seq 200000 > opt/numbers",
        "%files\n/opt/*",
    ),
    // Configuration.
    hard(
        "conf-writer",
        "Requires(pre): base",
        "",
        "%pre\nfor n in 1 2 3 4; do echo written > /etc/conf$n; done\necho same > /etc/conf5\n%post\necho post >> /etc/conf6\n%files",
    ),
    hard(
        "conf",
        "Requires(pre): base",
        "mkdir etc; for n in 1 2 3; do echo packaged > etc/conf$n; done; echo same > etc/conf5; echo 6 > etc/conf6; ln -s conf3 etc/conf4",
        "%files\n%config /etc/conf1\n%config(noreplace) /etc/conf2\n/etc/conf3\n%config(noreplace) /etc/conf4\n%config /etc/conf5\n%config(noreplace missingok) /etc/conf6",
    ),
    hard(
        "conf-shared",
        "Requires(pre): base",
        "mkdir etc; echo packaged > etc/conf1; echo packaged > etc/conf2; echo 7 > etc/conf7",
        "%files\n%config /etc/conf1\n%config(noreplace) /etc/conf2\n%config(missingok) /etc/conf7",
    ),
    hard(
        "conf-changer",
        "Requires(pre): conf",
        "",
        "%post\nfor n in 1 2 5; do echo changed > /etc/conf$n; done\n%files",
    ),
    // Files of several packages.
    hard(
        "shared-a",
        "",
        "mkdir -p opt/s; echo same > opt/s/f; echo a > opt/s/a; ln -s f opt/s/l",
        "%files\n/opt/s",
    ),
    hard(
        "shared-b",
        "",
        "mkdir -p opt/s; echo same > opt/s/f; echo b > opt/s/b; ln -s f opt/s/l",
        "%post\n[ -e /opt/s/f ] && echo shared >> /log\n%files\n/opt/s",
    ),
    hard("shared-ghost", "", "mkdir -p opt/s; echo same > opt/s/f", "%files\n%dir /opt/s\n%ghost /opt/s/f"),
    hard("conflict-a", "", "mkdir -p opt/c; echo a > opt/c/f", "%files\n/opt/c"),
    hard("conflict-b", "", "mkdir -p opt/c; echo b > opt/c/f", "%files\n/opt/c"),
    hard(
        "conflict-mode",
        "",
        "mkdir -p opt/c; echo a > opt/c/f",
        "%files\n%dir /opt/c\n%attr(755, root, root) /opt/c/f",
    ),
    // Filters and marks.
    hard(
        "docs",
        "",
        "mkdir -p usr/share/doc/docs usr/share/man/man1; echo d > usr/share/doc/docs/README; echo l > usr/share/doc/docs/COPYING; echo m > usr/share/man/man1/docs.1; echo r > usr/share/doc/docs/readme",
        "%files\n%doc /usr/share/doc/docs/README\n%license /usr/share/doc/docs/COPYING\n%readme /usr/share/doc/docs/readme\n/usr/share/man/man1/docs.1",
    ),
    hard(
        "languages",
        "Summary(de): Sprachen\nSummary(fr): langues",
        "mkdir -p opt/lang; for l in de fr pt_BR; do echo $l > opt/lang/$l; done; echo x > opt/lang/both; echo y > opt/lang/none",
        "%description -l de\nDeutsch.\n%files\n%dir /opt/lang\n%lang(de) /opt/lang/de\n%lang(fr) /opt/lang/fr\n%lang(pt_BR) /opt/lang/pt_BR\n%lang(de) %lang(fr) /opt/lang/both\n/opt/lang/none",
    ),
    hard(
        "marks",
        "",
        "mkdir -p opt/m; for n in 1 2 3 4; do echo $n > opt/m/$n; done",
        "%files\n%missingok /opt/m/1\n%verify(not md5 size mtime) /opt/m/2\n%artifact /opt/m/3\n%config(missingok) /opt/m/4\n%dir /opt/m",
    ),
    hard(
        "mounted",
        "",
        "mkdir -p proc/kiln dev sys/kiln; echo p > proc/kiln/f; echo d > dev/kiln",
        "%files\n/proc/kiln\n/dev/kiln\n/sys/kiln",
    ),
    hard("device", "", "mkdir opt", "%files\n%dev(c, 1, 3) /opt/null"),
    // Relations, as far as they end up in the database.
    hard(
        "relations",
        "Epoch: 7\nProvides: r1 = 7:1-1, r2, r(x) = 1\nRequires: base, /bin/sh, base >= 0\nRequires(pre): base\nRequires(post): dirs\nRequires(preun): say\nRequires(meta): lua\nRequires(pretrans): base\nRequires(posttrans): base\nConflicts: no-such < 1\nObsoletes: older < 3\nRecommends: say\nSuggests: lua\nSupplements: dirs\nEnhances: caps\nOrderWithRequires: marks",
        "",
        "%files",
    ),
    hard(
        "rich",
        "Requires: (base or none)\nRequires: (dirs if say else base)\nConflicts: (none unless docs)\nRequires: ((base with base) and rpm)\nRequires: (base without none)\nRecommends: (marks if (say or lua))\nSupplements: (lua and say)\nConflicts: (none and nothing)",
        "",
        "%files",
    ),
    hard("loop-a", "Requires: loop-b\nRequires(post): loop-c", "", "%post\necho loop a >> /log\n%files"),
    hard("loop-b", "Requires: loop-c\nRequires(pre): base", "", "%post\necho loop b >> /log\n%files"),
    hard("loop-c", "Requires: loop-a\nOrderWithRequires: say", "", "%post\necho loop c >> /log\n%files"),
    hard(
        "prefix",
        "Prefix: /opt/reloc\nPrefix: /srv/reloc",
        "mkdir -p opt/reloc srv/reloc; echo x > opt/reloc/f; echo y > srv/reloc/g",
        "%post\necho \"prefix $RPM_INSTALL_PREFIX $RPM_INSTALL_PREFIX0 $RPM_INSTALL_PREFIX1\" >> /log\n%files\n/opt/reloc\n/srv/reloc",
    ),
    hard("nothing", "", "", "%files"),
    hard(
        "headers",
        "Group: Some/Group\nURL: https://example.org/\nVendor: ü\nPackager: somebody\nDistribution: none\nBugURL: https://example.org/bugs",
        "",
        "%changelog\n* Thu Jan 01 2020 Some Body <a@example.org> - 1-1\n- first\n%files",
    ),
    // A failure that rpm only warns about.
    hard(
        "fails",
        "",
        "mkdir -p opt; echo x > opt/fails",
        "%post\necho failing >> /log; exit 3\n%posttrans\necho \"fails posttrans\" >> /log\n%files\n/opt/fails",
    ),
    // Codecs and digests.
    hard("gzip", "%global _binary_payload w9.gzdio", "mkdir opt; seq 5000 > opt/gzip", "%files\n/opt/gzip"),
    hard(
        "bzip2",
        "%global _binary_payload w9.bzdio",
        "mkdir opt; seq 5000 > opt/bzip2",
        "%files\n/opt/bzip2",
    ),
    hard("xz", "%global _binary_payload w6.xzdio", "mkdir opt; seq 5000 > opt/xz", "%files\n/opt/xz"),
    hard("lzma", "%global _binary_payload w6.lzdio", "mkdir opt; seq 5000 > opt/lzma", "%files\n/opt/lzma"),
    hard("zstd", "%global _binary_payload w19.zstdio", "mkdir opt; seq 5000 > opt/zstd", "%files\n/opt/zstd"),
    hard("plain", "%global _binary_payload w.ufdio", "mkdir opt; seq 5000 > opt/plain", "%files\n/opt/plain"),
    hard(
        "md5",
        "%global _binary_filedigest_algorithm 1",
        "mkdir opt; seq 50 > opt/md5; touch opt/md5-empty",
        "%files\n/opt/*",
    ),
    hard(
        "sha1",
        "%global _binary_filedigest_algorithm 2",
        "mkdir opt; seq 50 > opt/sha1",
        "%files\n/opt/sha1",
    ),
    hard(
        "sha384",
        "%global _binary_filedigest_algorithm 9",
        "mkdir opt; seq 50 > opt/sha384",
        "%files\n/opt/sha384",
    ),
    hard(
        "sha512",
        "%global _binary_filedigest_algorithm 10",
        "mkdir opt; seq 50 > opt/sha512",
        "%files\n/opt/sha512",
    ),
    hard(
        "sha224",
        "%global _binary_filedigest_algorithm 11",
        "mkdir opt; seq 50 > opt/sha224",
        "%files\n/opt/sha224",
    ),
];

impl Hard {
    /// The spec file.
    pub(crate) fn spec(&self) -> String {
        let Self { name, preamble, install, rest } = self;
        let version = if preamble.contains("Version:") { "" } else { "Version: 1\n" };
        format!(
            "Name: {name}\n{version}Release: 1\nSummary: {name}\nLicense: MIT\nBuildArch: noarch\n{preamble}\n\
             %description\n{name}.\n%install\nmkdir -p %{{buildroot}}\ncd %{{buildroot}}\n{install}\n{rest}\n"
        )
    }
}
