r"""Formats of keys and tokens, from what their makers publish about them.

A rule has words, of which a line must hold one, and a pattern. What is in the pattern's group is the secret;
without a group, all of it. Patterns are RE2's, over bytes, within a line.
"""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """A format of secrets."""

    name: str
    words: tuple[bytes, ...]
    """Literals, as they are written; a line without any of them cannot match."""
    pattern: bytes
    light: bytes = b""
    """A simpler pattern that matches in every line that the pattern matches in; empty when it is made."""


def _f(name: str, words: str, pattern: str, light: str = "") -> Format:
    return Format(name, tuple(words.encode().split()), pattern.encode(), light.encode())


FORMATS: tuple[Format, ...] = (
    # Clouds
    _f(
        "aws-access-key-id",
        "AKIA ASIA ABIA ACCA",
        r"(?:^|[^A-Za-z0-9_])((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})(?:$|[^A-Za-z0-9_])",
    ),
    _f("aws-bedrock-key", "ABSK", r"\bABSK[A-Za-z0-9+/]{109,269}={0,2}"),
    _f(
        "aws-mws-token",
        "amzn.mws.",
        r"amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    _f("gcp-api-key", "AIza", r"\b(AIza[\w-]{35})(?:$|[^\w-])"),
    _f("gcp-oauth-secret", "GOCSPX-", r"\bGOCSPX-[\w-]{28}"),
    _f("gcp-oauth-token", "ya29.", r"\bya29\.[\w-]{20,}(?:\.[\w-]+)*"),
    _f("gcp-refresh-token", "1//0", r"\b(1//0[\w-]{35,})"),
    _f(
        "azure-ad-secret",
        "Q~",
        r"(?:^|[^\w~.+/-])([a-zA-Z0-9_~.-]{3}[0-9]Q~[a-zA-Z0-9_~.-]{31,34})(?:$|[^\w~.-])",
    ),
    _f(
        "azure-storage-key",
        "AccountKey SharedAccessKey",
        r"(?i)(?:AccountKey|SharedAccessKey)\s{0,3}=\s{0,3}([a-z0-9+/]{42,88}={0,2})",
    ),
    _f("azure-sas", "sig=", r"[?&;](?:amp;)?sig=([A-Za-z0-9%/+]{40,70}(?:%3[Dd]|=))"),
    _f(
        "azure-key",
        "AzCa AzSe AzFu ACDb +AMC +ASt +ABa +ASb +AEh +ARm +ACR",
        r"(?:[A-Za-z0-9+/]{76}(?:ACDb|\+AMC|\+ASt|\+ABa)[A-Za-z0-9+/]{5}[AQgw]==|[A-Za-z0-9]{42}AzSe[A-Za-z0-9]{5,6}\b"
        r"|[A-Za-z0-9+/]{33}(?:\+ASb|\+AEh|\+ARm)[A-P][A-Za-z0-9+/]{5}=|[\w-]{44}AzFu[\w-]{4,6}[AQgw]=="
        r"|[A-Za-z0-9+/]{42}\+ACR[A-D][A-Za-z0-9]{5}\b|[A-Za-z0-9]{33}AzCa[A-P][A-Za-z0-9]{5}=)",
        light=r"(?:ACDb|\+AMC|\+ASt|\+ABa|AzSe|\+ASb|\+AEh|\+ARm|AzFu|\+ACR|AzCa)[\w+/-]{5}",
    ),
    _f("azure-devops-token", "AZDO", r"\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b"),
    _f("alibaba-access-key-id", "LTAI", r"\bLTAI[a-zA-Z0-9]{17,21}\b"),
    _f("tencent-secret-id", "AKID", r"\bAKID[a-zA-Z0-9]{32}\b"),
    _f("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", r"\bdo[opr]_v1_[a-f0-9]{64}"),
    _f("heroku-key", "HRKU-", r"\bHRKU-[\w-]{36,64}"),
    _f(
        "flyio-token",
        "fo1_ fm1 fm2_",
        r"\b(?:fo1_[\w-]{43}|fm1[ar]_[A-Za-z0-9+/]{100,}={0,3}|fm2_[A-Za-z0-9+/]{100,}={0,3})",
    ),
    _f("cloudflare-origin-ca-key", "v1.0-", r"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{146}"),
    _f("cloudflare-token", "cfut_ cfat_ cfk_", r"\bcf(?:ut|at|k)_[A-Za-z0-9]{40}[a-f0-9]{8}"),
    _f("netlify-token", "nfp_ nfc_ nfo_ nfb_ nfu_", r"\bnf[pcobu]_[a-zA-Z0-9_]{36}"),
    _f("vercel-token", "vcp_ vci_ vca_ vcr_ vck_", r"\bvc[piark]_[A-Za-z0-9]{40,64}\b"),
    _f("render-key", "rnd_", r"\brnd_[A-Za-z0-9]{28,40}\b"),
    _f("scaleway-access-key", "SCW", r"\bSCW[A-Z0-9]{17}\b"),
    _f(
        "yandex-key",
        "AQVN YCA t1.",
        r"\b(?:AQVN[\w-]{35,38}|YCA[JMC][\w-]{36,}|t1\.[A-Z0-9a-z_-]+={0,2}\.[A-Z0-9a-z_-]{86}={0,2})",
    ),
    _f("ibm-key", "bx", r"\bbx[A-Za-z0-9]{0,2}-[A-Za-z0-9_-]{40,44}\b"),
    # Code hosts, packages, builds
    _f("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{36,251}"),
    _f("github-fine-grained-token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{36,255}"),
    _f(
        "gitlab-token",
        "glpat- gldt- glrt- glcbt- glptt- glft- glsoat- glimt- glagent- gloas- glffct- GR1348941",
        r"\b(?:gl(?:pat|dt|rt|ptt|ft|soat|imt|agent|oas|ffct)-[\w.-]{20,}"
        r"|glcbt-[0-9a-zA-Z]{1,5}_[\w-]{20}|GR1348941[\w-]{20})",
    ),
    _f("gitlab-session", "_gitlab_session=", r"_gitlab_session=([0-9a-z]{32})"),
    _f(
        "bitbucket-token",
        "ATCTT3 ATBB",
        r"\b(?:ATCTT3xFfG[\w=-]{100,}|ATBB[A-Za-z0-9]{24,32}[A-F0-9]{8}\b"
        r"|ATBB[A-Za-z0-9_=.-]{20,}[A-F0-9]{8}\b)",
    ),
    _f("atlassian-token", "ATATT3", r"\bATATT3[A-Za-z0-9_=-]{100,}"),
    _f("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    _f(
        "npmrc-token",
        "_authToken _auth _password",
        r"(?:^|/:|[ \t]:)_(?:authToken|auth|password)[ \t]*=[ \t]*[\"']?([A-Za-z0-9+/=_.-]{16,})",
    ),
    _f("pypi-token", "pypi-", r"\bpypi-(?:AgEIcHlwaS5vcmc|AgENdGVzdC5weXBpLm9yZw)[\w-]{50,}"),
    _f("rubygems-key", "rubygems_", r"\brubygems_[a-f0-9]{48}"),
    _f("cargo-token", "cio", r"\bcio[a-zA-Z0-9]{32}\b"),
    _f("nuget-key", "oy2", r"\boy2[a-z0-9]{43}\b"),
    _f("clojars-token", "CLOJARS_", r"(?i)\bCLOJARS_[a-z0-9]{60}"),
    _f("docker-token", "dckr_", r"\bdckr_(?:pat|oat)_[\w-]{27,32}"),
    _f("jfrog-key", "AKCp cmVmd", r"\b(?:AKCp[A-Za-z0-9]{69}|cmVmd[A-Za-z0-9]{59})\b"),
    _f("circleci-token", "CCIPAT_ CCIPRJ_", r"\bCCIP(?:AT|RJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    _f(
        "buildkite-token",
        "bkua_ bkat_ bkct_ bkaj_ bkpt_ bkar_",
        r"\bbk(?:ua|at|ct|aj|pt|ar)_[A-Za-z0-9_.-]{32,}",
    ),
    _f("terraform-token", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    _f("pulumi-token", "pul-", r"\bpul-[a-f0-9]{40}\b"),
    _f("sonar-token", "squ_ sqp_ sqa_", r"\bsq[upa]_[a-f0-9]{40}\b"),
    _f("sourcegraph-token", "sgp_", r"\bsgp_(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}\b"),
    _f(
        "launchdarkly-key",
        "sdk- mob- api-",
        r"\b(?:sdk|mob|api)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    ),
    _f("prefect-key", "pnu_ pnb_", r"\bpn[ub]_[a-zA-Z0-9]{36}\b"),
    _f("databricks-token", "dapi", r"\bdapi[a-f0-9]{32}(?:-\d)?\b"),
    _f("doppler-token", "dp.", r"\bdp\.(?:pt|ct|st|sa|scim|audit)\.(?:[\w-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    _f(
        "vault-token",
        "hvs. hvb. hvr. s.",
        r"\b(?:hv[sbr]\.[\w-]{24,}|(?:VAULT_TOKEN|vault_token"
        r"|X-Vault-Token)[\"']?[ \t]*[=:][ \t]*[\"']?s\.[A-Za-z0-9]{24}\b)",
    ),
    _f(
        "onepassword-token",
        "ops_eyJ A3-",
        r"\b(?:ops_eyJ[a-zA-Z0-9+/_-]{100,}={0,3}|A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}"
        r"|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})",
    ),
    _f("infracost-key", "ico-", r"\bico-[A-Za-z0-9]{32}\b"),
    # Models
    _f(
        "openai-key",
        "sk-",
        r"\bsk-(?:(?:proj|svcacct|admin|None|service)-[\w-]{20,}T3BlbkFJ[\w-]{20,}"
        r"|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"
        r"|(?:proj|svcacct|admin|service)-[\w-]{40,}|[A-Za-z0-9]{48}\b)",
    ),
    _f("anthropic-key", "sk-ant-", r"\bsk-ant-(?:api|admin|oat|ort|sid)\d\d-[\w-]{40,}"),
    _f("openrouter-key", "sk-or-", r"\bsk-or-v1-[0-9a-f]{64}"),
    _f("langsmith-key", "lsv2_", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _f("langfuse-key", "sk-lf-", r"\bsk-lf-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    _f("huggingface-token", "hf_ api_org_", r"\b(?:hf_[a-zA-Z0-9]{34}|api_org_[a-zA-Z0-9]{34})\b"),
    _f("replicate-token", "r8_", r"\br8_[A-Za-z0-9]{37}\b"),
    _f("groq-key", "gsk_", r"\bgsk_[A-Za-z0-9]{48,}\b"),
    _f("xai-key", "xai-", r"\bxai-[A-Za-z0-9]{70,}\b"),
    _f("perplexity-key", "pplx-", r"\bpplx-[a-zA-Z0-9]{40,}\b"),
    _f("fireworks-key", "fw_", r"\bfw_[A-Za-z0-9]{22,32}\b"),
    _f("nvidia-key", "nvapi-", r"\bnvapi-[\w-]{60,70}"),
    _f("tavily-key", "tvly-", r"\btvly-(?:dev-|prod-)?[A-Za-z0-9]{32}\b"),
    _f("pinecone-key", "pcsk_", r"\bpcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,70}"),
    _f("cerebras-key", "csk-", r"\bcsk-[a-z0-9]{48}\b"),
    _f("wandb-key", "wandb_v1_", r"\bwandb_v1_[\w-]{40,}"),
    # Messages, people
    _f(
        "slack-token",
        "xox",
        r"\b(?:xox[bpaores]-[0-9A-Za-z-]{10,}|xoxe\.xox[bp]-\d-[A-Za-z0-9]{100,}"
        r"|xox[cd]-[0-9A-Za-z%+/=-]{10,})",
    ),
    _f("slack-app-token", "xapp-", r"(?i)\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+"),
    _f(
        "slack-webhook",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{30,60})",
    ),
    _f("discord-webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/(\d{17,20}/[\w-]{60,70})"),
    _f("discord-token", "M N O", r"\b[MNO][a-zA-Z0-9_-]{23,25}\.[a-zA-Z0-9_-]{6}\.[a-zA-Z0-9_-]{27,38}\b"),
    _f("telegram-token", ":A", r"(?:^|[^\w:])(?:bot)?([0-9]{8,10}:A[a-zA-Z0-9_-]{34})(?:$|[^\w-])"),
    _f(
        "teams-webhook",
        ".webhook.office.com",
        r""
        r"\.webhook\.office\.com/(webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36})",
    ),
    _f("sendgrid-key", "SG.", r"\bSG\.[\w-]{16,32}\.[\w-]{16,64}"),
    _f("mailgun-key", "key-", r"\bkey-[0-9a-f]{32}\b"),
    _f("mailchimp-key", "-us", r"\b[0-9a-f]{32}-us[0-9]{1,2}\b"),
    _f("brevo-key", "xkeysib- xsmtpsib-", r"\bx(?:key|smtp)sib-[a-f0-9]{64}-[a-zA-Z0-9]{16}"),
    _f("twilio-key", "SK AC", r"\b(?:SK|AC)[0-9a-f]{32}\b"),
    _f("resend-key", "re_", r"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}\b"),
    _f("notion-token", "ntn_ secret_", r"\b(?:ntn_[0-9]{11}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43})\b"),
    _f("linear-key", "lin_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,64}"),
    _f("figma-token", "fig", r"\bfig[dou]r?_[\w-]{40,46}"),
    _f("typeform-token", "tfp_", r"\btfp_[\w=.-]{40,60}"),
    _f("airtable-token", "pat", r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b"),
    _f("contentful-token", "CFPAT-", r"\bCFPAT-[\w-]{43}"),
    _f("intra42-secret", "s-s4t2", r"\bs-s4t2(?:ud|af)-[a-f0-9]{64}"),
    _f("postman-key", "PMAK-", r"\bPMAK-[a-fA-F0-9]{24}-[a-fA-F0-9]{34}"),
    _f("readme-key", "rdme_", r"\brdme_[a-z0-9]{70}"),
    _f("frameio-token", "fio-u-", r"\bfio-u-[\w=-]{64}"),
    _f("square-token", "sq0 EAAA", r"\b(?:sq0[a-z]{3}-[\w-]{22,43}|EAAA[\w-]{60})\b"),
    _f("facebook-token", "EAA", r"\bEAA[CM][A-Za-z0-9]{100,}"),
    # Money
    _f(
        "stripe-key",
        "sk_ rk_ whsec_",
        r"\b(?:(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,247}|whsec_[A-Za-z0-9+/]{24,}={0,2})",
    ),
    _f("shopify-token", "shp", r"\bshp(?:at|ca|pa|ss|ua)_[a-fA-F0-9]{32}"),
    _f(
        "paypal-braintree-token",
        "access_token$",
        r"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}",
    ),
    _f(
        "plaid-token",
        "access-",
        r"\baccess-(?:sandbox|development"
        r"|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    _f("flutterwave-key", "FLW", r"\bFLW(?:PUBK|SECK)_TEST-[a-hA-H0-9]{12,32}-X"),
    _f("easypost-key", "EZAK EZTK", r"\bEZ[AT]K[a-zA-Z0-9]{54}\b"),
    _f("shippo-token", "shippo_", r"\bshippo_(?:live|test)_[a-fA-F0-9]{40}"),
    _f("lob-key", "live_ test_", r"\b(?:live|test)_(?:pub_)?[a-f0-9]{31,35}\b"),
    _f("duffel-token", "duffel_", r"\bduffel_(?:test|live)_[\w=-]{43}"),
    _f("razorpay-key", "rzp_", r"\brzp_(?:live|test)_[A-Za-z0-9]{14}\b"),
    _f("gocardless-token", "live_", r"\blive_[A-Za-z0-9_-]{40}\b"),
    # Watching and data
    _f(
        "grafana-token",
        "glc_ glsa_ eyJrIjoi",
        r"\b(?:glc_[A-Za-z0-9+/]{32,400}={0,3}|glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"
        r"|eyJrIjoi[A-Za-z0-9]{60,400}={0,3})",
    ),
    _f(
        "newrelic-key",
        "NRAK- NRJS- NRII- NRAL NRRA-",
        r"\b(?:NRAK-[A-Z0-9]{27}|NRJS-[a-f0-9]{19}|NRII-[A-Za-z0-9-]{32}|NRRA-[a-f0-9]{42}"
        r"|[a-f0-9]{36}NRAL)\b",
    ),
    _f("dynatrace-token", "dt0", r"\bdt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    _f("sentry-token", "sntrys_ sntryu_", r"\b(?:sntrys_eyJ[A-Za-z0-9+/=_]{40,}|sntryu_[a-f0-9]{64})"),
    _f("posthog-key", "phx_ phc_", r"\bph[xc]_[A-Za-z0-9_]{43,50}\b"),
    _f("planetscale-token", "pscale_", r"\bpscale_(?:tkn|pw|oauth)_[\w=.-]{32,64}"),
    _f("supabase-key", "sbp_ sb_secret_", r"\b(?:sbp_(?:v0_)?[a-f0-9]{40}|sb_secret_[\w-]{20,})\b"),
    _f("neon-key", "napi_", r"\bnapi_[a-z0-9]{64}\b"),
    _f("elastic-key", "essu_", r"\bessu_[A-Za-z0-9+/=]{60,}"),
    _f("mapbox-token", "sk.eyJ pk.eyJ", r"\b[sp]k\.eyJ[A-Za-z0-9_-]{40,}\.[\w-]{20,}"),
    _f("tailscale-key", "tskey-", r"\btskey-[a-z]+-[A-Za-z0-9]{8,}(?:-[A-Za-z0-9]{10,})?"),
    _f("snyk-token", "snyk_", r"\bsnyk_(?:uat|sat|pat)\.[\w.-]{40,}"),
    _f("harness-key", "pat. sat.", r"\b[ps]at\.[a-zA-Z0-9_-]{22}\.[a-f0-9]{24}\.[a-zA-Z0-9]{20}\b"),
    _f("settlemint-token", "sm_", r"\bsm_(?:aat|pat|sat)_[a-zA-Z0-9]{16,20}\b"),
    _f("scalingo-token", "tk-us-", r"\btk-us-[\w-]{48}"),
    _f("adobe-secret", "p8e-", r"\bp8e-[a-z0-9]{32}\b"),
    _f("openshift-token", "sha256~", r"\bsha256~[\w-]{43}"),
    _f("age-key", "AGE-SECRET-KEY-", r"\bAGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58,}"),
    # Formats of nobody in particular
    _f("jwt", "eyJ", r"\beyJ[A-Za-z0-9_-]{10,}\.(?:eyJ|ey)[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_=+/-]{10,})?"),
    _f("jwt-base64", "ZXlK", r"\bZXlK[A-Za-z0-9+/_-]{60,}={0,2}"),
    _f(
        "private-key-base64",
        "LS0tLS1CRUdJTi",
        r"LS0tLS1CRUdJTi(?:BQUklWQVRFIEtFWS|BSU0EgUFJJVkFURSBLRVk|BFQyBQUklWQVRFIEtFWS"
        r"|BPUEVOU1NIIFBSSVZBVEUgS0VZ|BEU0EgUFJJVkFURSBLRVk|BFTkNSWVBURUQgUFJJVkFURSBLRVk"
        r"|BQR1AgUFJJVkFURSBLRVk)[A-Za-z0-9+/=_-]{20,}",
    ),
    _f("jwk", '"d"', r"\"kty\".*\"d\"[ \t]*:[ \t]*\"([A-Za-z0-9_-]{20,})\""),
    _f("jwk", '"d"', r"\"d\"[ \t]*:[ \t]*\"([A-Za-z0-9_-]{20,})\".*\"kty\""),
    # More that came up in other people's collections of formats
    _f("adafruit-key", "aio_", r"\baio_[A-Za-z0-9]{28}\b"),
    _f("aws-bedrock-key", "bedrock-api-key-", r"\bbedrock-api-key-[A-Za-z0-9+/=]{20,}"),
    _f("defined-networking-token", "dnkey-", r"(?i)\bdnkey-[a-z0-9=_-]{26}-[a-z0-9=_-]{52}"),
    _f("jina-key", "jina_", r"\bjina_[a-f0-9]{32}[A-Za-z0-9_-]{28}"),
    _f("llamaindex-key", "llx-", r"\bllx-[A-Za-z0-9_-]{48}"),
    _f("postman-key", "PMAT-", r"\bPMAT-[A-Z0-9]{26}\b"),
    _f("together-key", "tgp_v1_", r"\btgp_v1_[A-Za-z0-9_-]{43}"),
    _f("wundergraph-key", "cosmo_", r"\bcosmo_[a-f0-9]{32}"),
    _f("bitbucket-token", "BBDC-", r"\bBBDC-[A-Za-z0-9+/@_-]{40,60}"),
    _f("pubnub-key", "pub-c- sub-c- sec-c-", r"\b(?:pub|sub|sec)-c-[A-Za-z0-9-]{36,}"),
    _f("dropbox-token", "sl.", r"\bsl\.(?:u\.)?[A-Za-z0-9_-]{100,}"),
    _f("dropbox-token", "AAAAAA", r"\b[A-Za-z0-9]{11}AAAAAAAAAA[A-Za-z0-9_=-]{43}\b"),
    _f("mapbox-token", "tk.eyJ", r"\btk\.eyJ[A-Za-z0-9_-]{40,}\.[\w-]{20,}"),
    _f("teams-webhook", "outlook.office.com/webhook", r"outlook\.office\.com/(webhook(?:b2)?/[\w@/-]{60,})"),
    _f("teams-webhook", "IncomingWebhook/", r"(?i)/webhookb?2?/([\w@-]{60,}/IncomingWebhook/[\w/-]{32,})"),
    _f("segment-token", "sgp_", r"\bsgp_[A-Za-z0-9]{64}\b"),
    _f(
        "sourcegraph-token",
        "sgp_ slk_",
        r"\b(?:slk_[a-f0-9]{64}|sgp_(?:[a-f0-9]{16}_)?(?:local_)?[a-f0-9]{40})\b",
    ),
    _f("frameio-token", "fio-u-", r"fio-u-[\w=-]{64}"),
    _f("hubspot-token", "pat-na pat-eu", r"\bpat-(?:na|eu)\d-[a-fA-F0-9]{8}-[a-fA-F0-9-]{27}"),
    _f("asana-token", "0/ 1/ 2/", r"\b[0-2]/\d{12,20}(?:/\d{12,20})?:[a-f0-9]{32}\b"),
    _f("mongodb-atlas-secret", "mdb_sa_sk_", r"\bmdb_sa_sk_[\w-]{40}"),
    _f("infisical-token", "st.", r"\bst\.[a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32}\b"),
    _f("volcengine-key", "AKLT", r"\bAKLT[A-Za-z0-9+/=_-]{30,}"),
    _f(
        "aws-session-token", "FwoGZXIvYXdz IQoJb3JpZ2lu", r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=%]{60,}"
    ),
    _f("zoho-token", "1000.", r"\b1000\.[a-f0-9]{32}\.[a-f0-9]{32}\b"),
    _f("discord-webhook", "/api/webhooks/", r"/api/webhooks/(\d{17,20}/[\w-]{60,72})"),
    _f("zapier-webhook", "hooks.zapier.com", r"hooks\.zapier\.com/hooks/catch/(\d+/\w{6,})"),
    _f("facebook-token", "|", r"\b\d{15,16}\|[\w-]{27}\b"),
    _f("teamcity-token", "eyJ0eXAiOiAiVENWMiJ9", r"\beyJ0eXAiOiAiVENWMiJ9\.[\w-]{36}\.[\w-]{48}"),
    _f(
        "wireguard-key",
        "PrivateKey PresharedKey",
        r"P(?:rivate|reshared)Key[ \t]*=[ \t]*([A-Za-z0-9+/]{43}=)",
    ),
    _f(
        "htpasswd-hash",
        "$apr1$ $2y$ $2a$ $2b$ $6$ $5$ $1$ $argon2",
        r"\$(?:apr1|[156]|2[aby]|argon2id?|y)\$[./A-Za-z0-9$=,+-]{20,}",
    ),
    _f("uptimerobot-key", "ur u m", r"\b(?:ur|u|m)[0-9]{6,10}-[a-f0-9]{24,32}\b"),
    _f("thingsboard-token", "thingsboard", r"thingsboard\.cloud/api/v1/([a-z0-9]{20})/"),
    _f("elevenlabs-key", "sk_", r"\bsk_[a-f0-9]{48}\b"),
    _f("sk-key", "sk-", r"\bsk-(?:[a-z0-9]{1,10}-){0,3}[A-Za-z0-9_]{32,}\b"),
    _f("ubidots-token", "BBFF- BBUS-", r"\bBB(?:FF|US)-[A-Za-z0-9]{30,36}\b"),
    _f("deno-token", "ddp_ ddw_", r"\bdd[pw]_[A-Za-z0-9]{36}\b"),
    _f("clickup-token", "pk_", r"\bpk_[0-9]{6,10}_[A-Z0-9]{32}\b"),
    _f(
        "beamer-token",
        "b_",
        r"(?i)beamer[\w.-]{0,20}[ \t\"']{0,4}[:=>]{1,2}[ \t\"'`]{0,4}(b_[a-z0-9=_-]{44})",
    ),
    _f("azure-app-configuration", "azconfig.io", r"azconfig\.io;Id=[^;\s]{4,};Secret=([A-Za-z0-9+/=]{20,})"),
    _f("ionic-token", "ion_", r"\bion_[A-Za-z0-9]{42}\b"),
    _f("flexport-token", "shltm_", r"\bshltm_[A-Za-z0-9_-]{40}"),
    _f("teamwork-token", "tkn.v1_", r"\btkn\.v1_[A-Za-z0-9_-]{71}="),
    _f("telnyx-key", "KEY", r"\bKEY[0-9A-Za-z_-]{55}\b"),
    _f("scrapfly-key", "scp-", r"\bscp-(?:live|test)-[a-f0-9]{32}\b"),
    _f("rootly-token", "rootly_", r"\brootly_[a-f0-9]{64}"),
    _f("honeycomb-key", "hc", r"\bhc[abcdxl](?:lk|ik|mk)_[a-z0-9]{58}\b"),
    _f("workos-key", "sk_", r"\bsk_[A-Za-z0-9_]{32,}\b"),
    _f("okta-token", "SSWS", r"\bSSWS[ \t]+(00[\w-]{40})"),
    _f("wakatime-key", "waka_", r"\bwaka_[0-9a-f]{8}-[0-9a-f-]{27}"),
    _f(
        "prefixed-token",
        "live test prod sandbox secret sk pat key token api oauth svc v1 at rt",
        r"\b([a-z][a-z0-9]{1,9}[_-](?:live|test|prod|production|sandbox|secret|sk|pat|key|token|api|oauth|svc|v1|at|rt)"
        r"[_-][A-Za-z0-9]{20,})\b",
    ),
)
