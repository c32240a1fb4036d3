//! Tests of what is read, what is refused and what is printed.

use super::*;
use crate::scratch::Scratch;

fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let scratch = Scratch::new();
    let path = scratch.path("config.toml");
    std::fs::write(&path, file).unwrap();
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::load_with(Some(&path), environment)
}

#[test]
fn providers_call_where_they_can_reach_us() {
    let check = |public: Option<&str>, hooks: Option<&str>, expect: Option<&str>| {
        let mut environment = HashMap::new();
        for (name, value) in [("PUBLIC_URL", public), ("HOOKS", hooks)] {
            let key = format!("SYNCLINE__SERVER__{name}");
            environment.extend(value.map(|value| (key, value.to_owned())));
        }
        let config = Config::load_with(None, environment).unwrap();
        let url = config.hooks_url().map(String::from);
        assert_eq!(url.as_deref(), expect, "{public:?} {hooks:?}");
    };
    check(None, None, None);
    check(None, Some("true"), None);
    let (secure, plain) = ("https://sync.example.com/at/", "http://10.0.0.1:8080");
    check(
        Some(secure),
        None,
        Some("https://sync.example.com/at/v1/hooks"),
    );
    check(Some(secure), Some("false"), None);
    check(Some(plain), None, None);
    check(
        Some(plain),
        Some("true"),
        Some("http://10.0.0.1:8080/v1/hooks"),
    );
}

#[test]
fn the_defaults_are_enough() {
    let config = Config::load_with(None, HashMap::new()).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        config.public_url(config.server.listen),
        "http://127.0.0.1:8080"
    );
    assert_eq!(*config.database_url(), "sqlite:syncline-data/syncline.db");
    assert_eq!(config.keys_file(), Path::new("syncline-data/keys.toml"));
    assert_eq!(config.auth.access_token_ttl, Duration::from_mins(15));
    assert_eq!(config.worker.slots, 4);
    assert!(config.providers.is_empty());
}

#[test]
fn the_environment_goes_over_the_file_and_the_file_over_the_defaults() {
    let config = load(
        "[worker]\nslots = 8\nbatch = 50\n[providers.zoho_crm]\nclient_id = \"file\"\nsettle = \"5s\"",
        &[
            ("SYNCLINE__WORKER__SLOTS", "9"),
            ("SYNCLINE__WORKER__TICK", "200ms"),
            ("SYNCLINE__DATA_DIR", "/srv/data"),
            ("SYNCLINE__PROVIDERS__ZOHO_CRM__CLIENT_SECRET", "00123"),
            ("SYNCLINE__PROVIDERS__ZOHO_CRM__API_BASE", "http://127.0.0.1:9/zoho/"),
            ("SYNCLINE__SERVER__PUBLIC_URL", "https://sync.example.com/"),
            ("UNRELATED", "x"),
        ],
    )
    .unwrap();
    assert_eq!(config.worker.slots, 9);
    assert_eq!(config.worker.batch, 50);
    assert_eq!(config.worker.tick, Duration::from_millis(200));
    assert_eq!(*config.database_url(), "sqlite:/srv/data/syncline.db");
    let provider = &config.providers["zoho_crm"];
    assert_eq!(provider.client_id.as_deref(), Some("file"));
    assert_eq!(
        provider.client_secret.as_ref().unwrap().expose_secret(),
        "00123"
    );
    assert_eq!(provider.settle, Some(Duration::from_secs(5)));
    assert_eq!(
        provider.api_base.as_deref(),
        Some("http://127.0.0.1:9/zoho")
    );
    assert_eq!(
        config.public_url(config.server.listen),
        "https://sync.example.com"
    );
}

#[test]
fn networks_are_a_list_or_a_text_with_commas() {
    let file = "[outbound]\nprivate_networks = [\"10.20.0.0/16\"]";
    let networks = |environment: &[(&str, &str)]| {
        let outbound = load(file, environment).unwrap().outbound;
        let networks = outbound.private_networks.iter();
        networks.map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(networks(&[]), ["10.20.0.0/16"]);
    let variable = "SYNCLINE__OUTBOUND__PRIVATE_NETWORKS";
    let two = networks(&[(variable, "127.0.0.0/8, fd00::/8")]);
    assert_eq!(two, ["127.0.0.0/8", "fd00::/8"]);
    assert_eq!(networks(&[(variable, "")]), [""; 0]);
    let error = load(file, &[(variable, "localhost")]).unwrap_err();
    assert!(
        error.to_string().contains("`localhost` is no network"),
        "{error}"
    );
}

#[test]
fn what_is_wrong_is_refused_and_named() {
    let check = |file: &str, environment: &[(&str, &str)], expect: &[&str]| {
        let error = load(file, environment).unwrap_err();
        let below = std::error::Error::source(&error).map(ToString::to_string);
        let error = error.to_string();
        assert_ne!(below, Some(error.clone()), "it is said twice");
        for part in expect {
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
    };
    check("[server]\nlisen = \"x\"", &[], &["lisen"]);
    check("[servers]\nlisten = \"x\"", &[], &["servers"]);
    check("", &[("SYNCLINE__WORKER__SLOT", "3")], &["slot"]);
    check("[providers.zoho_crm]\nclient = \"x\"", &[], &["client"]);
    check("[worker]\nslots = 0", &[], &["worker.slots", "256"]);
    check(
        "",
        &[("SYNCLINE__WORKER__SLOTS", "many")],
        &["worker.slots", "many"],
    );
    check(
        "[worker]\nslice = \"30\"",
        &[],
        &["worker.slice", "`30` is not a duration"],
    );
    check("[worker]\nslice = \"61s\"", &[], &["worker.slice", "60s"]);
    check("[worker]\nslice = 30", &[], &["worker.slice"]);
    check("[server]\nlisten = \"here\"", &[], &["server.listen"]);
    check(
        "[server]\npublic_url = \"sync.example.com\"",
        &[],
        &["server.public_url"],
    );
    check(
        "[queue]\nurl = \"kafka://x\"",
        &[],
        &["queue.url", "`amqp:`"],
    );
    check(
        "[queue]\nurl = \"amqp:\"",
        &[],
        &["queue.url", "names a host"],
    );
    check(
        "[queue]\nurl = \"amqp://x\"\nurl_file = \"y\"",
        &[],
        &["queue.url", "both"],
    );
    check("[queue]\nprefix = \"a b\"", &[], &["queue.prefix"]);
    check(
        "[database]\nurl = \"postgres://x/y\"\nurl_file = \"z\"",
        &[],
        &["database.url", "both"],
    );
    check(
        "[coordination]\nurl_file = \"no-such-file\"",
        &[],
        &["coordination.url_file"],
    );
    check(
        "[coordination]\nurl = \"redis:x\"",
        &[],
        &["coordination.url", "redis://user:password@host"],
    );
    check(
        "[coordination]\nurl = \"etcd://x\"",
        &[],
        &["coordination.url", "rediss:"],
    );
    check(
        "[coordination]\nfallback_percent = 0",
        &[],
        &["coordination.fallback_percent", "100"],
    );
    check(
        "[coordination]\nprefix = \"a b\"",
        &[],
        &["coordination.prefix", "ASCII"],
    );
    check(
        "[server.limits]\ntenant = 0",
        &[],
        &["server.limits.tenant", "at least 1"],
    );
    check(
        "[database]\nurl = \"mysql://x\"",
        &[],
        &["database.url", "sqlite:"],
    );
    check("[log]\nlevel = \"a=b=c\"", &[], &["log.level"]);
    check("[log]\nformat = \"xml\"", &[], &["xml"]);
    check(
        "[auth]\njwt_secret = \"short\"",
        &[],
        &["auth.jwt_secret", "32"],
    );
    check(
        "[auth]\njwt_secret_file = \"/no/such/file\"",
        &[],
        &["auth.jwt_secret_file"],
    );
    check(
        "[providers.p]\nclient_secret = \"a\"\nclient_secret_file = \"b\"",
        &[],
        &["providers.p.client_secret", "both"],
    );
    check(
        "[auth]\nrefresh_token_ttl = \"1m\"",
        &[],
        &["auth.refresh_token_ttl"],
    );
}

#[test]
fn a_missing_file_is_refused() {
    let scratch = Scratch::new();
    let error = Config::load_with(Some(&scratch.path("none.toml")), HashMap::new()).unwrap_err();
    assert!(error.to_string().contains("none.toml"), "{error}");
}

#[test]
fn a_secret_is_read_from_its_file() {
    let scratch = Scratch::new();
    let path = scratch.path("secret");
    std::fs::write(&path, "s3cret\n").unwrap();
    let path = path.to_str().unwrap();
    let config = load("", &[("SYNCLINE__PROVIDERS__P__CLIENT_SECRET_FILE", path)]).unwrap();
    let secret = config.providers["p"].client_secret.as_ref().unwrap();
    assert_eq!(secret.expose_secret(), "s3cret");
}

#[test]
fn the_queue_s_url_is_read_from_its_file() {
    let scratch = Scratch::new();
    let path = scratch.path("url");
    std::fs::write(&path, "amqps://app:s3cret@mq/sync\n").unwrap();
    let path = path.to_str().unwrap();
    let config = load("", &[("SYNCLINE__QUEUE__URL_FILE", path)]).unwrap();
    let QueueUrl::Rabbit(url) = &config.queue.url else {
        panic!("{:?}", config.queue.url);
    };
    assert_eq!(url.expose_secret(), "amqps://app:s3cret@mq/sync");
    assert!(
        config
            .to_toml()
            .unwrap()
            .contains("amqps://app:redacted@mq/sync")
    );
}

#[test]
fn nothing_printed_holds_a_secret() {
    let secret = "canary-canary-canary-canary-canary";
    let url = format!("postgres://app:{secret}@db/sync?password={secret}");
    let queue = format!("amqp://app:{secret}@mq/sync?auth={secret}");
    let config = load(
        "",
        &[
            ("SYNCLINE__AUTH__JWT_SECRET", secret),
            ("SYNCLINE__DATABASE__URL", &url),
            (
                "SYNCLINE__COORDINATION__URL",
                "rediss://:canary@cache:6380/2",
            ),
            ("SYNCLINE__QUEUE__URL", &queue),
            ("SYNCLINE__PROVIDERS__P__CLIENT_SECRET", secret),
        ],
    )
    .unwrap();
    let printed = config.to_toml().unwrap();
    assert!(
        printed.contains("client_secret = \"redacted\""),
        "{printed}"
    );
    assert!(
        printed.contains("postgres://app:redacted@db/sync"),
        "{printed}"
    );
    assert!(
        printed.contains("rediss://:redacted@cache:6380/2"),
        "{printed}"
    );
    for text in [printed, format!("{config:?}")] {
        assert!(!text.contains("canary"), "{text}");
    }
    assert_eq!(*config.database_url(), url);
}

#[test]
fn the_printed_configuration_reads_back() {
    let config = load("[providers.p]\nsettle = \"3s\"", &[]).unwrap();
    let printed = config.to_toml().unwrap();
    assert_eq!(load(&printed, &[]).unwrap().to_toml().unwrap(), printed);
}

#[test]
fn a_jwt_secret_is_made_once() {
    let scratch = Scratch::new();
    let mut config = load("", &[]).unwrap();
    config.data_dir = scratch.path("");
    let made = config.jwt_secret().unwrap();
    assert!(made.expose_secret().len() >= check::JWT_SECRET_MIN);
    assert_eq!(
        config.jwt_secret().unwrap().expose_secret(),
        made.expose_secret()
    );
    assert_eq!(scratch.files(), ["jwt.secret"]);
}
