using LeadPipeline.TestKit;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Intake.Webhooks;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks;

public sealed class WebhookSourcesTests
{
    [TestCase("standard")]
    [TestCase("Google-Ads")]
    [TestCase("generic")]
    public void Known_senders_are_there_without_settings_and_have_no_secret(string name)
    {
        var found = Sources([]).TryFind(name, out var source);

        Assert.That((found, source?.Secrets.Count ?? 0), Is.EqualTo((true, 0)));
    }

    [Test]
    public void A_sender_that_is_switched_off_is_not_there()
    {
        Assert.That(Sources(new() { ["webflow"] = new WebhookSenderOptions { Enabled = false, Secrets = { "s" } } }).TryFind("webflow", out _), Is.False);
    }

    [Test]
    public void A_hyphen_may_be_written_as_the_shell_allows()
    {
        _ = Sources(new() { ["google_ads"] = new WebhookSenderOptions { Secrets = { "s" } } }).TryFind("google-ads", out var source);

        Assert.That(source!.Secrets, Is.EqualTo(new[] { "s" }));
    }

    [TestCase("typform", "Webhooks:typform: is no sender that is known by name (standard, hubspot, typeform, meta, google-ads, calendly, webflow, marketo; did you mean typeform?); give it a Mapping")]
    [TestCase("api", "Webhooks:api: is no name for a sender; use letters, digits and hyphens, at most 50, and none of api, file, queue")]
    [TestCase("a b", "Webhooks:a b: is no name for a sender; use letters, digits and hyphens, at most 50, and none of api, file, queue")]
    public void A_name_that_nobody_knows_needs_a_mapping(string name, string fault)
    {
        Assert.That(() => Sources(new() { [name] = new WebhookSenderOptions() }), Throws.TypeOf<ConfigurationException>().With.Property("Faults").EqualTo(new[] { fault }));
    }

    [Test]
    public void A_secret_that_cannot_be_one_is_refused_and_not_shown()
    {
        var options = new WebhookOptions { ["standard"] = new WebhookSenderOptions { Secrets = { "whsec_not base64 at all" } } };

        Assert.That(() => Sources(options), Throws.TypeOf<ConfigurationException>().With.Property("Faults").EqualTo(new[] { "Webhooks:standard:Secrets:0: the value is not base64 after whsec_" }));
    }

    [Test]
    public void A_bad_mapping_ends_the_start_with_file_and_line()
    {
        using var folder = new TempFolder();
        var file = folder.Write("m.yaml", "version: 1\nsignature: { scheme: shared-secret, header: X-S }\nfields: {}\n");
        var options = new WebhookOptions { ["mine"] = new WebhookSenderOptions { Mapping = file }, ["lost"] = new WebhookSenderOptions { Mapping = folder["none.yaml"] } };

        var faults = Assert.Throws<ConfigurationException>(() => Sources(options)).Faults;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(faults, Has.Some.EqualTo($"Webhooks:mine:Mapping: {file}:3: no field is 'email', and a lead without one cannot be taken"));
            Assert.That(faults, Has.Some.StartsWith($"Webhooks:lost:Mapping: {folder["none.yaml"]}:1: the mapping cannot be read"));
        }
    }

    private static WebhookSources Sources(WebhookOptions options) => new(options, Path.GetTempPath(), TimeProvider.System);
}
