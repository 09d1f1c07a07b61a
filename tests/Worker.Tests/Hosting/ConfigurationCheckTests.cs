using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Configuration;

namespace LeadPipeline.Worker.Tests.Hosting;

public sealed class ConfigurationCheckTests
{
    [TestCase("Auth:Tokens:0:Hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    [TestCase("Deferral:Delays:0", "00:00:05")]
    [TestCase("Privacy:Strategies:Email", "hash")]
    [TestCase("grounding:routethreshold", "70")]
    [TestCase("Webhooks:typeform:Secrets:0", "s3cret")]
    [TestCase("webhooks:my-sender:mapping", "mine.yaml")]
    [TestCase("Webhooks:google_ads:Enabled", "false")]
    [TestCase("Forms:fair:AllowedOrigins:0", "https://www.example.com")]
    [TestCase("Forms:fair:AllowedOrigins:0", "*")]
    [TestCase("Forms:fair:RedirectUrl", "/thanks")]
    [TestCase("Forms:fair:RedirectUrl", "https://www.example.com/thanks?a=b")]
    [TestCase("Retention:Leads", "730.00:00:00")]
    public void Takes_every_key_that_there_is(string key, string value)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.Nothing);
    }

    [TestCase("Auth:Tokns:0:Hash", "x", "Auth:Tokns is not a setting. Did you mean Auth:Tokens?")]
    [TestCase("Deferral:DelaysInForce:0", "00:00:05", "Deferral:DelaysInForce is not a setting. Did you mean Deferral:Delays?")]
    [TestCase("Auth:Tokens:0:Hash", "abc", "Auth:Tokens:0:Hash: the value is not allowed: write the SHA-256 of the token as 64 hex digits")]
    [TestCase("Webhooks:typeform:Secretes:0", "s3cret", "Webhooks:typeform:Secretes is not a setting. Did you mean Webhooks:typeform:Secrets?")]
    [TestCase("Webhooks:typeform:Secrets:0", " ", "Webhooks:typeform:Secrets:0: the value is not allowed: a secret is not empty; leave the key out instead")]
    [TestCase("Webhooks:typeform:Tolerance", "02:00:00", "Webhooks:typeform:Tolerance: '02:00:00' is not allowed: The field Tolerance must be between 00:00:01 and 01:00:00.")]
    [TestCase("Webhooks:typeform:Trusted", "maybe", "Webhooks:typeform:Trusted: 'maybe' is not a switch; use true or false")]
    [TestCase("Webhooks:meta:AccessToken:x", "t0ken", "Webhooks:meta:AccessToken: is one value and has no members")]
    [TestCase("Webhooks:meta:ApiUrl", "graph", "Webhooks:meta:ApiUrl: 'graph' is not allowed: write an address such as https://host")]
    [TestCase("Webhooks:typeform", "on", "Webhooks:typeform: has settings of its own, such as Webhooks:typeform:Enabled")]
    [TestCase("Forms:fair:RedirectUrl", "//evil.example", "Forms:fair:RedirectUrl: '//evil.example' is not allowed: write https://host/path, or a path of this host such as /thanks.html")]
    [TestCase("Forms:fair:RedirectUrl", "javascript:alert(1)", "Forms:fair:RedirectUrl: 'javascript:alert(1)' is not allowed: write https://host/path, or a path of this host such as /thanks.html")]
    [TestCase("Forms:fair:AllowedOrigins:0", "https://www.example.com/page", "Forms:fair:AllowedOrigins:0: 'https://www.example.com/page' is not allowed: write an origin such as https://www.example.com, without a path, or *")]
    [TestCase("Forms:fair:Honeypot", "", "Forms:fair:Honeypot: '' is not allowed: The Honeypot field is required.")]
    [TestCase("Aws:HubSpotSecret", "crm/hubspot", "Aws:Region: '' is not allowed: name the region of the secret, for example eu-central-1")]
    [TestCase("Aws:SecretsManagerUrl", "http://secrets.example", "Aws:SecretsManagerUrl: the value is not allowed: write https://HOST (http only for this machine)")]
    [TestCase("Retention:Audit", "00:00:00", "Retention:Audit: '00:00:00' is not allowed: The field Audit must be between 00:00:01 and 36500.00:00:00.")]
    [TestCase("Retry:Attempts", "many", "Retry:Attempts: 'many' is not a whole number")]
    public void Refuses_what_is_no_key_or_no_value_of_it(string key, string value, string fault)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.TypeOf<ConfigurationException>().With.Property("Faults").EqualTo(new[] { fault }));
    }

    [TestCase("Auth:Issuer=https://issuer.example/", "Auth:Issuer: 'https://issuer.example/' is not allowed: set Auth:JwksUri or Auth:SigningKey beside it, or tokens could not be checked")]
    [TestCase("Auth:Audience=a", "Auth:Audience: 'a' is not allowed: set Auth:JwksUri or Auth:SigningKey beside it, or tokens could not be checked")]
    [TestCase("Auth:JwksUri=https://issuer.example/keys", "Auth:Issuer: '' is not allowed: name the issuer, or tokens of any issuer with the same keys would be accepted", "Auth:Audience: '' is not allowed: name the audience, or tokens made for other services would be accepted")]
    [TestCase("Auth:Issuer=i;Auth:Audience=a;Auth:SigningKey=thirty-one bytes are not enough", "Auth:SigningKey: the value is not allowed: write at least 32 bytes, for example the output of: openssl rand -base64 48")]
    [TestCase("Auth:Issuer=i;Auth:Audience=a;Auth:JwksUri=http://issuer.example/keys", "Auth:JwksUri: 'http://issuer.example/keys' is not allowed: write an https address; whoever can change the answer on its way could make tokens of his own (http is taken from this machine only)")]
    [TestCase("Auth:Issuer=i;Auth:Audience=a;Auth:JwksUri=https://issuer.example/keys;Auth:SigningKey=a secret of more than thirty-two bytes", "Auth:SigningKey: the value is not allowed: set either Auth:SigningKey or Auth:JwksUri; an issuer signs in one way")]
    [TestCase("Auth:Tokens:0:Hash=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08;Auth:Tokens:0:Role=root", "Auth:Tokens:0:Role: the value is not allowed: use user, manager, operator, admin, several separated by spaces")]
    [TestCase("Auth:Tokens:0:Hash=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08;Auth:Tokens:0:Name=a|b", "Auth:Tokens:0:Name: the value is not allowed: use up to 64 letters, digits, spaces and @ . _ -")]
    [TestCase("Enrichment:Http:Map:employees=/employees;Enrichment:Http:UrlTemplate=ftp://companies.example/s3cret/{domain}", "Enrichment:Http:UrlTemplate: the value is not allowed: it is no http or https address")]
    [TestCase("Http:AllowedHosts:0=https://leads.example.com", "Http:AllowedHosts:0: 'https://leads.example.com' is not allowed: write a host name without scheme and port, for example leads.example.com or *.example.com")]
    public void Refuses_settings_that_would_let_in_the_wrong_ones(string settings, params string[] faults)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(settings.Split(';').Select(s => s.Split('=', 2)).Select(s => KeyValuePair.Create(s[0], (string?)s[1]))).Build();

        Assert.That(() => ConfigurationCheck.Run(configuration), Throws.TypeOf<ConfigurationException>().With.Property("Faults").EqualTo(faults));
    }

    [TestCase("Auth:JwksUri=https://issuer.example/keys")]
    [TestCase("Auth:JwksUri=http://127.0.0.1:9000/keys")]
    [TestCase("Auth:SigningKey=a secret of thirty-two bytes, ok")]
    public void Takes_an_issuer_with_its_key(string key)
    {
        var pair = key.Split('=', 2);

        Assert.That(() => ConfigurationCheck.Run(new ConfigurationBuilder().AddInMemoryCollection([new("Auth:Issuer", "i"), new("Auth:Audience", "a"), new(pair[0], pair[1])]).Build()), Throws.Nothing);
    }

    [Test]
    public void Reads_the_model_from_variables_of_their_own_names()
    {
        var variables = new Dictionary<string, string>
        {
            ["GEMINI_API_KEY"] = "k",
            ["GEMINI_MODEL"] = "m",
            ["GOOGLE_CLOUD_PROJECT"] = "p",
            ["GOOGLE_CLOUD_LOCATION"] = "europe-west4",
            ["GOOGLE_APPLICATION_CREDENTIALS"] = "f.json",
        };

        Assert.That(PlainVariables.Read(variables.GetValueOrDefault), Is.EquivalentTo(new Dictionary<string, string?>
        {
            ["Gemini:ApiKey"] = "k",
            ["Gemini:Model"] = "m",
            ["Gemini:Project"] = "p",
            ["Gemini:Location"] = "europe-west4",
            ["Gemini:CredentialsFile"] = "f.json",
        }));
    }

    private static IConfiguration With(string key, string value) =>
        new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
}
