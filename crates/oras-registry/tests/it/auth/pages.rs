//! Pages show what whoever looks at them could pull, and browsers can sign in.

use oras_registry::auth::{Action, Auth, Rule};
use serde_json::json;

use super::web::{Web, basic, users};
use crate::client::Reply;
use crate::page::{ACCEPT, Page};
use crate::page_browser::{chromium, document};

/// `root` may do everything, users read their home, everybody reads `public`.
async fn start() -> (Web, tempfile::TempDir) {
    let (file, folder) = users(&["root", "jo", "ann"]);
    let rule = |repository: &str| Rule {
        repositories: vec![repository.to_owned()],
        who: vec!["*".to_owned()],
        allow: vec![Action::Pull],
        ..Rule::default()
    };
    let auth = Auth::new()
        .htpasswd(file)
        .unwrap()
        .rule(rule("home/{user}/**"))
        .rule(rule("public/**"));
    (Web::start(auth.admins(["root"])).await, folder)
}

/// Opens a page as `user`, or as nobody in particular if that is empty.
async fn open(web: &Web, user: &str, path: &str) -> Reply {
    let credential = basic(user, &format!("secret-{user}"));
    let mut headers = vec![("accept", ACCEPT)];
    if !user.is_empty() {
        headers.push(("authorization", &credential));
    }
    web.send(&format!("GET {path}"), &headers, "").await
}

async fn look(web: &Web, user: &str, path: &str) -> Page {
    Page::of(open(web, user, path).await)
}

fn asks_for_a_password(page: &Page, web: &Web) {
    assert_eq!(page.reply.status, 401);
    let expected = format!(r#"Basic realm="{}",charset="UTF-8""#, web.host());
    assert_eq!(super::challenge(&page.reply), expected);
    page.has("Who are you?");
}

#[tokio::test]
async fn a_locked_registry_asks_at_its_root_and_leads_back_to_the_page() {
    let (file, _folder) = users(&["jo"]);
    let web = Web::start(Auth::new().htpasswd(file).unwrap()).await;
    let digest = web.push("jo", "team/app", "v1", json!({})).await;
    digest.check(201, "");
    asks_for_a_password(&look(&web, "", "/").await, &web);
    // Whether there is such a page does not matter.
    for path in ["/r/team/app", "/r/team/app:v1", "/r/no/such:v1"] {
        let reply = open(&web, "", path).await;
        assert_eq!(reply.status, 303);
        assert!(reply.body.is_empty() && !reply.headers.contains_key("www-authenticate"));
        let way = reply.header("location").to_owned();
        assert_eq!(
            way,
            format!("/?sign-in={}", path.replace('/', "%2F").replace(':', "%3A"))
        );
        asks_for_a_password(&look(&web, "", &way).await, &web);
        let reply = open(&web, "jo", &way).await;
        let back = format!("{path}?sign-in");
        let got = (reply.status.as_u16(), reply.header("location"));
        assert_eq!(got, (303, back.as_str()));
        // A browser that forgets the password on its way is not sent around in circles.
        asks_for_a_password(&look(&web, "", &back).await, &web);
    }
    let page = look(&web, "jo", "/").await;
    page.has("<span class=\"guest\"><bdi>jo</bdi></span>");
    page.has("href=\"/r/team/app\"");
    page.lacks("Sign in");
    let page = look(&web, "jo", "/r/team/app:v1").await;
    page.has(&format!("oras pull {}/team/app:v1", web.host()));
    assert_eq!(look(&web, "jo", "/r/no/such:v1").await.reply.status, 404);

    let wrong = basic("jo", "wrong");
    for path in ["/", "/r/team/app", "/r/no/such"] {
        let headers = [("accept", ACCEPT), ("authorization", wrong.as_str())];
        let reply = web.send(&format!("GET {path}"), &headers, "").await;
        asks_for_a_password(&Page::of(reply), &web);
    }
    // Programs that look at the root get what they always got.
    web.send("GET /", &[("accept", "*/*")], "")
        .await
        .check(200, "");
}

#[tokio::test]
async fn a_browser_understands_how_it_is_asked() {
    let Some(chromium) = chromium() else { return };
    let (web, _folder) = start().await;
    web.push("root", "home/jo/app", "v1", json!({}))
        .await
        .check(201, "");
    let url = format!("http://jo:secret-jo@{}/r/home/jo/app?sign-in", web.host());
    let shown = document(chromium.path(), url).await;
    assert!(shown.contains("href=\"/r/home/jo/app:v1\""), "{shown}");
}

#[tokio::test]
async fn what_somebody_may_not_pull_is_not_there_for_them() {
    let (web, _folder) = start().await;
    for name in ["home/ann/app", "home/jo/app", "public/app", "secret/app"] {
        web.push("root", name, "v1", json!({})).await.check(201, "");
    }
    let listed = async |user: &str, path: &str| {
        let page = look(&web, user, path).await;
        assert_eq!(page.reply.status, 200);
        page.links()
            .into_iter()
            .filter_map(|link| Some(link.strip_prefix("/r/")?.to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("", "/").await, ["public/app"]);
    assert_eq!(listed("jo", "/").await, ["home/jo/app", "public/app"]);
    assert_eq!(
        listed("jo", "/?filter=app&after=a").await,
        ["home/jo/app", "public/app"]
    );
    assert_eq!(listed("jo", "/?filter=secret").await, Vec::<String>::new());
    assert_eq!(listed("root", "/").await.len(), 4);
    look(&web, "", "/")
        .await
        .has("<a class=\"guest\" rel=\"nofollow\" href=\"/?sign-in=%2F\">Sign in</a>");
    asks_for_a_password(&look(&web, "", "/?sign-in=%2F").await, &web);

    assert_eq!(look(&web, "", "/r/public/app:v1").await.reply.status, 200);
    assert_eq!(look(&web, "", "/r/public/none").await.reply.status, 404);
    assert_eq!(
        look(&web, "jo", "/r/home/jo/app:v1").await.reply.status,
        200
    );
    for end in ["", ":v1", &format!("@{}", oras_spec::Digest::sha256(b"{}"))] {
        let (hidden, missing) = (format!("/r/secret/app{end}"), format!("/r/secret/not{end}"));
        let (hidden, missing) = (
            look(&web, "jo", &hidden).await,
            look(&web, "jo", &missing).await,
        );
        assert_eq!(hidden.reply.status, 404);
        assert_eq!(hidden.html, missing.html);
        assert_eq!(
            open(&web, "", &format!("/r/secret/app{end}")).await.status,
            303
        );
    }
}

#[tokio::test]
async fn signing_in_leads_to_no_other_place() {
    let (web, _folder) = start().await;
    for bad in [
        "https://evil.example/",
        "//evil.example/r/a",
        "/",
        "/v2/",
        "/r/../x",
        "/r//evil.example",
        "x",
    ] {
        let bad: String = url::form_urlencoded::byte_serialize(bad.as_bytes()).collect();
        let page = look(&web, "jo", &format!("/?sign-in={bad}")).await;
        assert_eq!(page.reply.status, 200, "{bad}");
    }
}
