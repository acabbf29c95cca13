//! `connected_apps` and `limits` of an `org.yaml`.

use super::{Files, list, text, wrong};
use crate::diagnostic::{Code, Diagnostic, Place, near_name};
use crate::local_org::auth::app::App;
use crate::local_org::auth::certificate::Certificate;
use crate::local_org::limit::Limits;
use crate::local_org::schema::{ADMIN, User};
use crate::yaml::{MapReader, Node};

/// Reads `connected_apps`; `run_as` names one of the users.
pub(super) fn apps(
    node: &Node,
    users: &[User],
    files: Files<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<App> {
    let mut apps: Vec<App> = Vec::new();
    for item in list(node, "`connected_apps`", problems) {
        let Some(mut map) = MapReader::new(item, "a connected app", problems) else { continue };
        let read = app(&mut map, users, files);
        if let Some(app) = &read
            && apps.iter().any(|other| other.client_id == app.client_id)
        {
            let message = format!("client id `{}` stands twice", app.client_id);
            map.problem(Diagnostic::error(Code::Conflict, message).at(&item.place));
        }
        map.finish();
        apps.extend(read);
    }
    apps
}

fn app(map: &mut MapReader<'_, '_>, users: &[User], files: Files<'_>) -> Option<App> {
    // For people: clients know an app by its id.
    text(map, "name");
    let client_id = text(map, "client_id");
    let client_secret = map.take_text("client_secret").map(|(secret, _)| secret.to_owned());
    let certificate =
        map.take_text("certificate").and_then(|(path, place)| certificate(path, place, files, map));
    let refresh = map.take_text("refresh_token");
    let run_as = map.take_text("run_as");
    if let Some((name, place)) = run_as {
        known_user(name, place, users, map);
    } else if let Some((_, place)) = refresh {
        map.problem(wrong("a refresh token is a user's".into(), place).help("say whose: `run_as: USERNAME`"));
    }
    let owned = |text: Option<(&str, &Place)>| text.map(|(text, _)| text.to_owned());
    Some(App {
        client_id: client_id?,
        client_secret,
        certificate,
        refresh_token: owned(refresh),
        run_as: owned(run_as),
    })
}

fn certificate(
    path: &str,
    place: &Place,
    files: Files<'_>,
    map: &mut MapReader<'_, '_>,
) -> Option<Certificate> {
    let text = match files(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(why) => {
            let message = format!("`{path}` cannot be read: {why}");
            map.problem(Diagnostic::error(Code::FileMissing, message).at(place));
            return None;
        }
    };
    let read = Certificate::from_pem(&text);
    let help = "a PEM file as `openssl req -x509 -newkey rsa:2048 -nodes` writes it";
    read.map_err(|why| {
        map.problem(wrong(format!("`{path}` is no certificate: {why}"), place).help(help));
    })
    .ok()
}

fn known_user(name: &str, place: &Place, users: &[User], map: &mut MapReader<'_, '_>) {
    let mut names = users.iter().map(|u| u.username.as_str()).chain([ADMIN]);
    if names.clone().any(|known| known.eq_ignore_ascii_case(name)) {
        return;
    }
    let near = near_name(name, &mut names).map(|n| format!("did you mean `{n}`?"));
    let message = format!("`{name}` is not a user of the local org");
    map.problem(Diagnostic::error(Code::UnknownName, message).at(place).help_maybe(near));
}

/// Reads `limits`; what is not said stays as it is.
pub(super) fn limits(node: &Node, problems: &mut Vec<Diagnostic>) -> Limits {
    let mut limits = Limits::default();
    let Some(mut map) = MapReader::new(node, "`limits`", problems) else { return limits };
    for (word, limit) in [
        ("daily_api_requests", &mut limits.api_requests),
        ("daily_bulk_batches", &mut limits.bulk_batches),
        ("daily_bulk_records", &mut limits.bulk_records),
        ("daily_query_jobs", &mut limits.query_jobs),
    ] {
        *limit = map.take_count(word).unwrap_or(*limit);
    }
    map.finish();
    limits
}
