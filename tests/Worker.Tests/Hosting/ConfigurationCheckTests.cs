using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Configuration;

namespace LeadPipeline.Worker.Tests.Hosting;

public sealed class ConfigurationCheckTests
{
    [TestCase("Auth:Tokens:0:Hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    [TestCase("Deferral:Delays:0", "00:00:05")]
    [TestCase("Privacy:Strategies:Email", "hash")]
    [TestCase("grounding:routethreshold", "70")]
    [TestCase("Retention:Leads", "730.00:00:00")]
    public void Takes_every_key_that_there_is(string key, string value)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.Nothing);
    }

    [TestCase("Auth:Tokns:0:Hash", "x", "Auth:Tokns is not a setting. Did you mean Auth:Tokens?")]
    [TestCase("Deferral:DelaysInForce:0", "00:00:05", "Deferral:DelaysInForce is not a setting. Did you mean Deferral:Delays?")]
    [TestCase("Auth:Tokens:0:Hash", "abc", "Auth:Tokens:0:Hash: the value is not allowed: write the SHA-256 of the token as 64 hex digits")]
    [TestCase("Gemini:BaseUrl", "5", "Gemini: there are no such settings in this version; leave the section out")]
    [TestCase("Retention:Audit", "00:00:00", "Retention:Audit: '00:00:00' is not allowed: The field Audit must be between 00:00:01 and 36500.00:00:00.")]
    [TestCase("Retry:Attempts", "many", "Retry:Attempts: 'many' is not a whole number")]
    public void Refuses_what_is_no_key_or_no_value_of_it(string key, string value, string fault)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.TypeOf<ConfigurationException>().With.Property("Faults").EqualTo(new[] { fault }));
    }

    private static IConfiguration With(string key, string value) =>
        new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
}
