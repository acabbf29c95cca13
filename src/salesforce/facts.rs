//! Which org this is, and which version of the API it speaks.

use super::call::Call;
use super::client::{Client, NEWEST_VERSION};
use super::error::OrgError;
use super::retry::Budget;
use crate::model::RecordId;
use crate::ports::{Clock, Org, Random};
use serde::Deserialize;

/// The oldest API version whose answers we read: query results keep the order of their columns from here on.
const OLDEST_VERSION: u32 = 50;

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgInfo {
    /// 18 characters.
    pub org_id: String,
    /// The company's name.
    pub name: String,
    /// Whether it is a sandbox.
    pub is_sandbox: bool,
    /// Who we are there, where the org tells.
    pub username: Option<String>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct UserInfo {
    preferred_username: Option<String>,
}

impl<'a> Client<'a> {
    /// A client that speaks the newest version that the org and we know.
    ///
    /// # Errors
    /// When the org cannot be reached within a few seconds, or knows no version that we do.
    pub async fn connect(
        org: &'a dyn Org,
        clock: &'a dyn Clock,
        random: &'a dyn Random,
    ) -> Result<Self, OrgError> {
        let first = Self::new(org, clock, random, NEWEST_VERSION).with_budget(Budget::BRIEF);
        let versions: Vec<Version> = first.json(Call::get("/services/data".to_owned())).await?;
        let known = major(NEWEST_VERSION).unwrap_or(OLDEST_VERSION);
        let common = versions
            .into_iter()
            .filter_map(|v| Some((major(&v.version)?, v.version)))
            .filter(|(major, _)| (OLDEST_VERSION..=known).contains(major))
            .max();
        let (_, version) = common.ok_or_else(|| {
            OrgError::Protocol(format!(
                "it speaks no API version from {OLDEST_VERSION}.0 to {NEWEST_VERSION}"
            ))
        })?;
        Ok(Self::new(org, clock, random, version))
    }

    /// Which org this is, and who we are there.
    ///
    /// # Errors
    /// When the org refuses us or cannot be reached.
    pub async fn org_facts(&self) -> Result<OrgInfo, OrgError> {
        let rows = self.query("SELECT Id, Name, IsSandbox FROM Organization").await?;
        let mut cells = rows.into_iter().next().unwrap_or_default().into_iter();
        let (id, name, is_sandbox) = (cells.next().flatten(), cells.next().flatten(), cells.next().flatten());
        let id = id.ok_or_else(|| OrgError::Protocol("it shows no Organization record".to_owned()))?;
        let id =
            RecordId::parse(&id).map_err(|e| OrgError::Protocol(format!("its Organization's id: {e}")))?;
        Ok(OrgInfo {
            org_id: id.to_string(),
            name: name.unwrap_or_default(),
            is_sandbox: is_sandbox.as_deref() == Some("true"),
            username: self.username().await?,
        })
    }

    /// Whether the org takes reads alone at this moment, as during maintenance; nothing where it does not say.
    ///
    /// # Errors
    /// When the org cannot be reached, or its allowance of calls is spent.
    pub async fn is_read_only(&self) -> Result<Option<bool>, OrgError> {
        match self.query("SELECT IsReadOnly FROM Organization").await {
            Ok(rows) => {
                Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()?).map(|is| is == "true"))
            }
            Err(OrgError::Api { status: 400, .. }) => Ok(None),
            Err(OrgError::Refused { status: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Not every token may ask this; then nobody knows.
    async fn username(&self) -> Result<Option<String>, OrgError> {
        match self.json::<UserInfo>(Call::get("/services/oauth2/userinfo".to_owned())).await {
            Ok(info) => Ok(info.preferred_username),
            Err(error @ OrgError::Transport(_)) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// `67` of `67.0`.
fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use crate::ports::{SeededRandom, TestClock};
    use crate::salesforce::testing::{Script, block_on, with};
    use crate::salesforce::{Client, OrgError};

    fn version_of(list: &str) -> Result<String, OrgError> {
        let script = Script::default().reply("GET /services/data", 200, list);
        let (clock, random) = (TestClock::default(), SeededRandom::new(1));
        block_on(Client::connect(&script, &clock, &random)).map(|c| c.version().to_owned())
    }

    #[test]
    fn speaks_the_newest_common_version() {
        let list = |versions: &[&str]| {
            let all: Vec<_> =
                versions.iter().map(|v| format!("{{\"label\":\"x\",\"version\":\"{v}\"}}")).collect();
            format!("[{}]", all.join(","))
        };
        assert_eq!(version_of(&list(&["31.0", "67.0", "68.0"])).unwrap(), "67.0");
        assert_eq!(version_of(&list(&["66.0", "9.0", "58.0"])).unwrap(), "66.0");
        assert!(version_of(&list(&["31.0", "68.0"])).unwrap_err().to_string().contains("50.0 to 67.0"));
        assert!(matches!(version_of("<html>"), Err(OrgError::Protocol(_))));
    }

    const ASK: &str =
        "GET /services/data/v67.0/query?q=SELECT%20Id%2C%20Name%2C%20IsSandbox%20FROM%20Organization";

    #[test]
    fn tells_the_org() {
        let row = r#"{"totalSize":1,"done":true,"records":[{"attributes":{},"Id":"00D5g000004XyzA","Name":"Acme","IsSandbox":true}]}"#;
        let script = Script::default().reply(ASK, 200, row).reply(
            "GET /services/oauth2/userinfo",
            403,
            "Bad_OAuth_Token",
        );
        let info = with(script, async |c| c.org_facts().await.unwrap());
        assert_eq!((info.org_id.len(), info.name.as_str(), info.is_sandbox), (18, "Acme", true));
        assert_eq!(info.username, None);
    }

    #[test]
    fn an_org_says_whether_it_takes_writes() {
        let ask = "GET /services/data/v67.0/query?q=SELECT%20IsReadOnly%20FROM%20Organization";
        let row = |is: &str| {
            format!(r#"{{"totalSize":1,"done":true,"records":[{{"attributes":{{}},"IsReadOnly":{is}}}]}}"#)
        };
        let unknown = r#"[{"message":"No such column","errorCode":"INVALID_FIELD"}]"#;
        for (status, body, told) in
            [(200, row("true"), Some(true)), (200, row("false"), Some(false)), (400, unknown.into(), None)]
        {
            let script = Script::default().reply(ask, status, &body);
            assert_eq!(with(script, async |c| c.is_read_only().await.unwrap()), told);
        }
    }

    #[test]
    fn an_org_without_itself_is_told() {
        let script = Script::default().reply(ASK, 200, r#"{"totalSize":0,"done":true,"records":[]}"#);
        let error = with(script, async |c| c.org_facts().await.unwrap_err());
        assert!(error.to_string().contains("no Organization"));
    }
}
