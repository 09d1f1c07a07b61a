using LeadPipeline.TestKit;
using LeadPipeline.Worker.Secrets;

namespace LeadPipeline.Worker.Tests.Secrets;

public sealed class SecretPartsTests
{
    [TestCase("""{"HUBSPOT_ACCESS_TOKEN":"t"}""", "accesstoken=t")]
    [TestCase("""{"accessToken":"t"}""", "accesstoken=t")]
    [TestCase(" t\n", "accesstoken=t")]
    [TestCase("{not json", "accesstoken={not json")]
    [TestCase("""{"SALESFORCE_CLIENT_ID":"a","client_secret":"b","Username":"c","port":1}""", "clientid=a clientsecret=b username=c")]
    public void Should_read_what_people_write(string text, string parts) =>
        Assert.That(string.Join(' ', SecretParts.Parse(text).Select(p => $"{p.Key}={p.Value}")), Is.EqualTo(parts));

    [Test]
    public async Task Should_take_a_mounted_file_as_it_is_now_and_the_settings_for_what_no_file_has()
    {
        using var folder = new TempFolder();
        folder.Write("SALESFORCE_CLIENT_SECRET", "one\n");
        var secrets = new FileSecrets(folder.Path, "SALESFORCE_", () => new Dictionary<string, string?> { ["clientid"] = "app" });

        var first = await secrets.GetAsync(CancellationToken.None);
        var same = await secrets.GetAsync(CancellationToken.None);
        folder.Write("SALESFORCE_CLIENT_SECRET", "two\n");
        var next = await secrets.GetAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first["clientsecret"], Is.EqualTo("one"));
            Assert.That(first["clientid"], Is.EqualTo("app"));
            Assert.That(same, Is.SameAs(first));
            Assert.That(next["clientsecret"], Is.EqualTo("two"));
        }
    }
}
