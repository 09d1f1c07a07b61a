using LeadPipeline.Worker.Hosting;
using Microsoft.Extensions.Configuration;

namespace LeadPipeline.Worker.Tests.Hosting;

public sealed class ConfigurationCheckTests
{
    [TestCase("Auth:Tokens:0:Hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    [TestCase("Deferral:Delays:0", "00:00:05")]
    [TestCase("Privacy:Strategies:Email", "hash")]
    [TestCase("grounding:routethreshold", "70")]
    public void Takes_every_key_that_there_is(string key, string value)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.Nothing);
    }

    [TestCase("Auth:Tokns:0:Hash", "x", "Auth:Tokns is not a setting. Did you mean Auth:Tokens?")]
    [TestCase("Deferral:DelaysInForce:0", "00:00:05", "Deferral:DelaysInForce is not a setting. Did you mean Deferral:Delays?")]
    [TestCase("Auth:Tokens:0:Hash", "abc", "Auth:Tokens:0:Hash: the value is not allowed: write the SHA-256 of the token as 64 hex digits")]
    [TestCase("Retention:Leads", "5", "Retention: there are no such settings in this version; leave the section out")]
    [TestCase("Retry:Attempts", "many", "Retry:Attempts: 'many' is not a whole number")]
    public void Refuses_what_is_no_key_or_no_value_of_it(string key, string value, string fault)
    {
        Assert.That(() => ConfigurationCheck.Run(With(key, value)), Throws.TypeOf<ConfigurationException>().With.Property("Faults").EqualTo(new[] { fault }));
    }

    [Test]
    public void Reads_the_model_from_variables_of_their_own_names()
    {
        var variables = new Dictionary<string, string>
        {
            ["GEMINI_API_KEY"] = "k", ["GEMINI_MODEL"] = "m", ["GOOGLE_CLOUD_PROJECT"] = "p", ["GOOGLE_CLOUD_LOCATION"] = "europe-west4", ["GOOGLE_APPLICATION_CREDENTIALS"] = "f.json",
        };

        Assert.That(PlainVariables.Read(variables.GetValueOrDefault), Is.EquivalentTo(new Dictionary<string, string?>
        {
            ["Gemini:ApiKey"] = "k", ["Gemini:Model"] = "m", ["Gemini:Project"] = "p", ["Gemini:Location"] = "europe-west4", ["Gemini:CredentialsFile"] = "f.json",
        }));
    }

    private static IConfiguration With(string key, string value) =>
        new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
}
