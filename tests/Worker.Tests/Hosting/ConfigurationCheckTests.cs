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
    public void Takes_every_key_that_there_is(string key, string value)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.Nothing);
    }

    [TestCase("Auth:Tokns:0:Hash", "x", "Auth:Tokns is not a setting. Did you mean Auth:Tokens?")]
    [TestCase("Deferral:DelaysInForce:0", "00:00:05", "Deferral:DelaysInForce is not a setting. Did you mean Deferral:Delays?")]
    [TestCase("Auth:Tokens:0:Hash", "abc", "Auth:Tokens:0:Hash: the value is not allowed: write the SHA-256 of the token as 64 hex digits")]
    [TestCase("RateLimits:Global", "5", "RateLimits: there are no such settings in this version; leave the section out")]
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
    [TestCase("Retry:Attempts", "many", "Retry:Attempts: 'many' is not a whole number")]
    public void Refuses_what_is_no_key_or_no_value_of_it(string key, string value, string fault)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.TypeOf<ConfigurationException>().With.Property("Faults").EqualTo(new[] { fault }));
    }

    private static IConfiguration With(string key, string value) =>
        new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
}
