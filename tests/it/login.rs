//! Every way to log in, through the binary: what is sent, what is said when it is refused, and that a token that ends
//! is renewed once for all calls. Secrets are in nothing that is written.

use crate::damaging_proxy::{Asked, Front, Turn};
use crate::http::Served;
use crate::project::{Output, Project, finished, walk};
use std::process::Command;

const KEY: &str = include_str!("fixtures/keys/rsa.pkcs8.pem");
const SECRET: &str = "hush-seen-by-nobody";
const REFRESH: &str = "5Aep-seen-by-nobody";

/// Quickstart with an environment `prod` that is reached like this, and its key.
fn project(org: &str) -> Project {
    let project = Project::example("quickstart");
    project.replace(
        "cutover.yaml",
        "environments: {",
        &format!("environments: {{ prod: {{ org: {org}, protect: false }},"),
    );
    project.write("keys/own.pem", KEY);
    mode(&project, "keys/own.pem", 0o600);
    project
}

#[cfg(unix)]
fn mode(project: &Project, path: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(project.path(path), std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn mode(_: &Project, _: &str, _: u32) {}

fn command(project: &Project, front: &Front, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    command.args(["-e", "prod"]);
    command.env("TEST_LOGIN", &front.url).env("TEST_SECRET", SECRET).env("TEST_REFRESH", REFRESH);
    command
}

fn run(project: &Project, front: &Front, arguments: &[&str]) -> Output {
    finished(command(project, front, arguments))
}

const JWT: &str = "{ jwt: { login: env:TEST_LOGIN, username: ada@acme.example, client_id: 3MVG9, key_file: keys/own.pem } }";
const CLIENT: &str =
    "{ client_credentials: { login: env:TEST_LOGIN, client_id: 3MVG9, client_secret: env:TEST_SECRET } }";
const TOKEN: &str = "{ refresh_token: { login: env:TEST_LOGIN, client_id: 3MVG9, client_secret: env:TEST_SECRET, refresh_token: env:TEST_REFRESH } }";

/// Whether this is the only arrival so far of a request that begins like this.
fn first(asked: &Asked, start: &str, done: &std::sync::atomic::AtomicBool) -> bool {
    asked.line.starts_with(start) && !done.swap(true, std::sync::atomic::Ordering::SeqCst)
}

/// Nothing that was said or written holds a secret.
#[track_caller]
fn is_discreet(project: &Project, front: &Front, said: &[Output]) {
    let mut secrets = front.tokens();
    secrets.extend([SECRET.to_owned(), REFRESH.to_owned(), KEY.lines().nth(3).unwrap().to_owned()]);
    let assertions = front.seen("POST /services/oauth2/token");
    secrets.extend(assertions.iter().filter_map(|a| Some(a.body.split_once("assertion=")?.1.to_owned())));
    assert!(secrets.len() > 3, "{secrets:?}");
    let mut written: Vec<(String, Vec<u8>)> = Vec::new();
    for output in said {
        written.push(("what was said".into(), format!("{}{}", output.out, output.err).into_bytes()));
    }
    let mut paths = Vec::new();
    walk(&project.path(".cutover"), &mut paths);
    for path in paths.into_iter().filter(|path| path.is_file()) {
        written.push((path.display().to_string(), std::fs::read(&path).unwrap()));
    }
    assert!(written.len() > 5, "there is nothing to look at");
    for (name, bytes) in written {
        let text = String::from_utf8_lossy(&bytes);
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{name} holds {secret}");
        }
    }
}

#[test]
fn each_grant_sends_what_it_has_and_a_token_that_ends_is_renewed_once() {
    for (way, parts) in [
        (JWT, &["grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer", "assertion=eyJ"][..]),
        (CLIENT, &["grant_type=client_credentials", "client_id=3MVG9", "client_secret=hush-seen-by-nobody"]),
        (TOKEN, &["grant_type=refresh_token", "refresh_token=5Aep-seen-by-nobody", "client_secret=hush"]),
    ] {
        let project = project(way);
        let org = Served::start(&project);
        // A second token makes the first one end: here between the making of a job and its upload.
        let ended = std::sync::atomic::AtomicBool::new(false);
        let front = Front::before(&org, move |asked, _| match first(asked, "PUT ", &ended) {
            true => Turn::Say(
                "401 Unauthorized",
                "",
                r#"[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]"#.into(),
            ),
            false => Turn::Pass,
        });
        let output = run(&project, &front, &["apply", "--yes", "-v"]).exits(0);
        assert_eq!((org.count("Account"), org.count("Contact")), (6, 6), "{way}");
        let logins = front.seen("POST /services/oauth2/token");
        assert_eq!(logins.len(), 2, "{way}: one login and one renewal");
        for part in parts {
            assert!(logins.iter().all(|login| login.body.contains(part)), "{part} in {logins:?}");
        }
        assert!(logins.iter().all(|login| login.header("authorization").is_none()));
        assert_eq!(
            front.seen("PUT ").len(),
            org.jobs() + 1,
            "the refused upload went again, to the same job"
        );
        for asked in front.seen("") {
            assert_eq!(asked.header("sforce-call-options"), Some("client=cutover"), "{asked:?}");
            let agent = concat!("cutover/", env!("CARGO_PKG_VERSION"));
            assert_eq!(asked.header("user-agent"), Some(agent), "{asked:?}");
            assert_eq!(asked.header("accept-encoding"), Some("gzip"), "{asked:?}");
        }
        let again = run(&project, &front, &["plan", "--detailed-exitcode"]).exits(0);
        is_discreet(&project, &front, &[output, again]);
    }
}

#[test]
fn a_refused_login_is_77_in_the_org_s_words() {
    let project = project(JWT);
    let org = Served::start(&project);
    let front = Front::before(&org, |_, _| {
        let body = r#"{"error":"invalid_grant","error_description":"user hasn't approved this consumer"}"#;
        Turn::Say("400 Bad Request", "", body.into())
    });
    let output = run(&project, &front, &["plan"]).exits(77);
    assert!(output.err.contains("user hasn't approved this consumer"), "{}", output.err);
    assert_eq!(front.seen("").len(), 1, "a refusal is not asked for again");
}

#[test]
fn a_renewal_that_is_refused_ends_the_run_and_the_next_goes_on() {
    let project = project(CLIENT);
    let org = Served::start(&project);
    let front = Front::before(&org, |asked, before| match (asked.line.as_str(), before) {
        ("POST /services/oauth2/token", 1..) => {
            let body = r#"{"error":"invalid_grant","error_description":"user is locked"}"#;
            Turn::Say("400 Bad Request", "", body.into())
        }
        (line, _) if line.starts_with("PATCH ") => Turn::Say("401 Unauthorized", "", "[]".into()),
        _ => Turn::Pass,
    });
    let output = run(&project, &front, &["apply", "--yes"]).exits(77);
    assert!(output.err.contains("user is locked"), "{}", output.err);
    let well = Front::before(&org, |_, _| Turn::Pass);
    run(&project, &well, &["apply", "--yes"]).exits(0);
    assert_eq!((org.count("Account"), org.count("Contact")), (6, 6));
}

#[test]
#[cfg(unix)]
fn a_key_that_cannot_be_used_is_65_with_its_place() {
    let project = project(JWT);
    let org = Served::start(&project);
    let front = Front::before(&org, |_, _| Turn::Pass);
    let place = "cutover.yaml:4:";
    mode(&project, "keys/own.pem", 0o644);
    let open = run(&project, &front, &["plan"]).exits(65);
    assert!(open.err.contains("can be read by others") && open.err.contains("chmod 600"), "{}", open.err);
    assert!(open.err.contains(place), "{}", open.err);
    project.write("keys/own.pem", include_str!("fixtures/keys/encrypted.pem"));
    mode(&project, "keys/own.pem", 0o600);
    let locked = run(&project, &front, &["plan"]).exits(65);
    assert!(locked.err.contains("is encrypted") && locked.err.contains(place), "{}", locked.err);
    std::fs::remove_file(project.path("keys/own.pem")).unwrap();
    let gone = run(&project, &front, &["check"]).exits(65);
    assert!(gone.err.contains("there is no key file `keys/own.pem`"), "{}", gone.err);
    assert_eq!(front.seen("").len(), 0);
}

/// A stand-in for `sf` that answers as the shell script says; `$1 $2 $3` are the words of the command.
#[cfg(unix)]
fn with_sf(project: &Project, command: &mut Command, script: &str) {
    project.write("bin/sf", &format!("#!/bin/sh\necho \"$@\" >> \"$SF_LOG\"\n{script}\n"));
    mode(project, "bin/sf", 0o755);
    let path = format!("{}:/usr/bin:/bin", project.path("bin").display());
    command.env("PATH", path).env("SF_LOG", project.path("sf.log"));
}

#[test]
#[cfg(unix)]
fn the_sf_command_is_asked_for_its_token() {
    let newer = r#"case "$1 $2 $3" in
        "org auth show-access-token") echo "{\"status\":0,\"result\":{\"accessToken\":\"$SF_TOKEN\"},\"warnings\":[]}";;
        *) echo "{\"status\":0,\"result\":{\"instanceUrl\":\"$SF_URL\",\"accessToken\":\"[REDACTED] Use 'sf org auth show-access-token' to view\"}}";;
        esac"#;
    let older = r#"case "$2" in
        auth) echo '{"status":1,"name":"CommandNotFoundError","message":"not a sf command"}'; exit 127;;
        *) echo "{\"status\":0,\"result\":{\"instanceUrl\":\"$SF_URL\",\"accessToken\":\"$SF_TOKEN\"}}";;
        esac"#;
    for script in [newer, older] {
        let project = project("{ sf: uat-alias }");
        let org = Served::start(&project);
        let front = Front::before(&org, |_, _| Turn::Pass);
        let mut command = command(&project, &front, &["apply", "--yes"]);
        with_sf(&project, &mut command, script);
        command.env("SF_URL", &front.url).env("SF_TOKEN", front.token());
        let output = finished(command).exits(0);
        assert_eq!(org.count("Account"), 6);
        let asked = project.read("sf.log");
        assert_eq!(
            asked,
            "org auth show-access-token --target-org uat-alias --json\norg display --target-org uat-alias --json\n"
        );
        is_discreet(&project, &front, &[output]);
    }
}

#[test]
#[cfg(unix)]
fn without_a_login_sf_says_why() {
    let project = project("{ sf: uat-alias }");
    let org = Served::start(&project);
    let front = Front::before(&org, |_, _| Turn::Pass);
    let mut none = command(&project, &front, &["plan"]);
    none.env("PATH", project.path("bin"));
    let output = finished(none).exits(77);
    assert!(output.err.contains("`sf` command is not installed"), "{}", output.err);
    let mut unknown = command(&project, &front, &["plan"]);
    let script =
        r#"echo '{"status":1,"message":"No authorization information found for uat-alias."}'; exit 1"#;
    with_sf(&project, &mut unknown, script);
    let output = finished(unknown).exits(77);
    assert!(output.err.contains("No authorization information found"), "{}", output.err);
    assert_eq!(front.seen("").len(), 0);
}

/// The program does not wait for a command that never answers, neither for its words nor in order to end.
#[test]
#[cfg(unix)]
fn an_sf_command_that_hangs_is_ended() {
    let project = project("{ sf: uat-alias }");
    let org = Served::start(&project);
    let front = Front::before(&org, |_, _| Turn::Pass);
    let mut hangs = command(&project, &front, &["plan"]);
    with_sf(&project, &mut hangs, "echo $$ > \"$SF_LOG.pid\"; exec sleep 100");
    hangs.env("CUTOVER_SF_TIMEOUT", "1");
    let began = std::time::Instant::now();
    let output = finished(hangs).exits(77);
    assert!(output.err.contains("the `sf` command has not answered for 1 s"), "{}", output.err);
    assert!(began.elapsed().as_secs() < 60, "the program lived on with its child");
    let pid = project.read("sf.log.pid");
    let alive = || Command::new("kill").args(["-0", pid.trim()]).output().unwrap().status.success();
    for _ in 0..100 {
        if !alive() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the command is still there");
}

#[test]
fn a_proxy_is_asked_for_what_is_not_this_machine() {
    let project = project("{ url: https://acme.my.example, token: env:TEST_SECRET }");
    let org = Served::start(&project);
    let proxy = Front::before(&org, |_, _| Turn::Say("403 Forbidden", "", String::new()));
    let mut plan = command(&project, &proxy, &["plan"]);
    plan.env("HTTPS_PROXY", &proxy.url).env_remove("NO_PROXY").env_remove("no_proxy");
    let output = finished(plan);
    assert_ne!(output.code, 0);
    assert!(!proxy.seen("CONNECT acme.my.example:443").is_empty(), "{:?} {}", proxy.seen(""), output.err);
    assert!(!format!("{:?}", proxy.seen("")).contains(SECRET), "a proxy sees no token");
}

/// The local org has its own reading of logins: a key whose certificate it knows opens it, another does not.
#[test]
fn the_local_org_takes_each_login() {
    const ADA: &str =
        "users: [{ username: ada@acme.example, email: ada@acme.example, name: Ada, active: true }]\n";
    let app = format!(
        "connected_apps: [{{ name: L, client_id: 3MVG9, client_secret: {SECRET}, certificate: own.crt, \
         refresh_token: {REFRESH}, run_as: ada@acme.example }}]\n"
    );
    for way in [JWT, CLIENT, TOKEN] {
        let project = project(way);
        project.write("own.crt", include_str!("fixtures/keys/rsa.cert.pem"));
        project.append("org.yaml", &format!("{ADA}{app}"));
        let org = Served::start(&project);
        let apply = |secret: &str| {
            let mut command = project.command(&["apply", "--yes", "-e", "prod"]);
            command.env("TEST_LOGIN", &org.url).env("TEST_SECRET", secret).env("TEST_REFRESH", REFRESH);
            finished(command)
        };
        apply(SECRET).exits(0);
        assert_eq!(org.count("Account WHERE CreatedBy.Username = 'ada@acme.example'"), 6, "{way}");
        let refused = match way {
            JWT => {
                project.write("keys/own.pem", include_str!("../fixtures/keys/test-key.pem"));
                mode(&project, "keys/own.pem", 0o600);
                apply(SECRET).exits(77)
            }
            _ => apply("another").exits(77),
        };
        assert!(refused.err.contains("invalid_"), "{way}: {}", refused.err);
    }
}
