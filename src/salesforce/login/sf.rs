//! The token of the `sf` command: asked of it each time, because it renews tokens itself (reference G). Its own files are
//! never read.

use super::super::error::OrgError;
use super::{LogIn, Session};
use crate::ports::Future;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Runs the `sf` command.
pub trait SfCommand: Send + Sync {
    /// Runs it with these arguments, nothing on its standard input. The error says why it could not be started.
    fn run(&self, arguments: Vec<String>) -> Future<'_, Result<SfOutput, String>>;
}

/// What it left.
#[derive(Debug)]
pub struct SfOutput {
    /// Whether it ended with exit code 0.
    pub success: bool,
    /// Its standard output, which may hold a token.
    pub out: SecretString,
}

/// A login that the `sf` command keeps.
pub struct SfLogin {
    user: String,
    command: Box<dyn SfCommand>,
}

/// What takes the place of a token in what newer commands show.
const REDACTED: &str = "[REDACTED]";

impl SfLogin {
    /// The login of an alias or username.
    pub fn new(user: &str, command: Box<dyn SfCommand>) -> Self {
        Self { user: user.to_owned(), command }
    }

    /// The newer command shows the token; only `org display` shows the address, and of older ones the token too.
    async fn ask(&self) -> Result<Session, OrgError> {
        let shown = self.json(&["org", "auth", "show-access-token"]).await?;
        let display = match self.json(&["org", "display"]).await? {
            Ok(display) => display,
            Err(why) => return Err(self.failed(&why)),
        };
        let text = |result: &Value, name: &str| Some(result.get(name)?.as_str()?.to_owned());
        let url = text(&display, "instanceUrl").unwrap_or_default().trim_end_matches('/').to_owned();
        let (token, why) = match &shown {
            Ok(result) => (text(result, "accessToken"), "it shows no access token"),
            Err(why) => (text(&display, "accessToken"), why.as_str()),
        };
        match token.filter(|token| !token.is_empty() && !token.starts_with(REDACTED)) {
            Some(token) if !url.is_empty() => Ok(Session { url, token: token.into() }),
            Some(_) => Err(self.failed("it shows no address of the org")),
            None => Err(self.failed(why)),
        }
    }

    /// The `result` of a command, or its own words why there is none.
    async fn json(&self, command: &[&str]) -> Result<Result<Value, String>, OrgError> {
        let more = ["--target-org", self.user.as_str(), "--json"];
        let arguments = command.iter().chain(&more).map(|a| (*a).to_owned()).collect();
        let output = self.command.run(arguments).await.map_err(OrgError::Login)?;
        let mut answer: Value = match serde_json::from_str(output.out.expose_secret().trim()) {
            Ok(answer) => answer,
            Err(_) => return Ok(Err(format!("`sf {}` prints no JSON", command.join(" ")))),
        };
        if output.success && answer["status"] == 0 {
            return Ok(Ok(answer["result"].take()));
        }
        let message = answer["message"].as_str().unwrap_or("it does not say why");
        Ok(Err(plain(message)))
    }

    fn failed(&self, why: &str) -> OrgError {
        OrgError::Login(format!("`sf` has no login for `{}`: {why}", self.user))
    }
}

impl LogIn for SfLogin {
    fn log_in(&self) -> Future<'_, Result<Session, OrgError>> {
        Box::pin(self.ask())
    }
}

/// One line without control characters.
fn plain(message: &str) -> String {
    let words: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::block_on;
    use super::{LogIn, SfCommand, SfLogin, SfOutput};
    use crate::ports::Future;
    use crate::salesforce::OrgError;
    use secrecy::ExposeSecret;

    /// Answers of the two commands: the newer one's, and `org display`'s.
    struct Fake(&'static str, &'static str);

    impl SfCommand for Fake {
        fn run(&self, arguments: Vec<String>) -> Future<'_, Result<SfOutput, String>> {
            let words = arguments.join(" ");
            let out = match words.as_str() {
                "org auth show-access-token --target-org uat --json" => self.0,
                "org display --target-org uat --json" => self.1,
                other => panic!("unexpected: sf {other}"),
            };
            let answer = match out {
                "gone" => Err("there is no `sf`".to_owned()),
                out => Ok(SfOutput { success: out.contains("\"status\":0"), out: out.into() }),
            };
            Box::pin(std::future::ready(answer))
        }
    }

    fn ask(shown: &'static str, display: &'static str) -> Result<(String, String), String> {
        let login = SfLogin::new("uat", Box::new(Fake(shown, display)));
        match block_on(login.log_in()) {
            Ok(session) => Ok((session.url, session.token.expose_secret().to_owned())),
            Err(OrgError::Login(why)) => Err(why),
            Err(other) => panic!("{other}"),
        }
    }

    const SHOWN: &str = r#"{"status":0,"result":{"accessToken":"00D!new"},"warnings":[]}"#;
    const UNKNOWN: &str = r#"{"status":127,"name":"CommandNotFoundError","message":"org auth show-access-token\nis not a sf command."}"#;
    const REDACTED: &str = r#"{"status":0,"result":{"id":"00D","instanceUrl":"https://uat.example/",
        "accessToken":"[REDACTED] Use 'sf org auth show-access-token' to view"}}"#;
    const OLD: &str =
        r#"{"status":0,"result":{"instanceUrl":"https://uat.example","accessToken":"00D!old"}}"#;
    const NO_ORG: &str = r#"{"status":1,"name":"NamedOrgNotFoundError","message":"No authorization information found for uat."}"#;

    #[test]
    fn newer_and_older_commands() {
        let url = "https://uat.example".to_owned();
        assert_eq!(ask(SHOWN, REDACTED), Ok((url.clone(), "00D!new".into())));
        assert_eq!(ask(SHOWN, OLD), Ok((url.clone(), "00D!new".into())));
        assert_eq!(ask(UNKNOWN, OLD), Ok((url.clone(), "00D!old".into())));
        assert_eq!(ask(" ›   Warning: no such command", OLD), Ok((url, "00D!old".into())));
    }

    #[test]
    fn what_it_says_when_it_has_no_login() {
        let why = ask(UNKNOWN, REDACTED).unwrap_err();
        assert!(why.contains("`uat`") && why.contains("show-access-token is not a sf command."), "{why}");
        assert!(ask(NO_ORG, NO_ORG).unwrap_err().contains("No authorization information found"));
        assert!(ask("gone", OLD).unwrap_err().contains("there is no `sf`"));
        assert!(ask(SHOWN, r#"{"status":0,"result":{}}"#).unwrap_err().contains("no address"));
        assert!(ask(SHOWN, "text").unwrap_err().contains("`sf org display` prints no JSON"));
        assert!(ask(r#"{"status":0,"result":{}}"#, OLD).unwrap_err().contains("no access token"));
    }
}
