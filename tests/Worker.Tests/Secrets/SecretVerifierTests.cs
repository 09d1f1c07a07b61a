using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.HubSpot;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Secrets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Tests.Secrets;

public sealed class SecretVerifierTests
{
    private const string Pending = "token of the pending version";

    private readonly FakeSecretsManager manager = new();
    private HubSpotSimulator hubspot = null!;
    private ServiceProvider services = null!;
    private SecretVerifier verifier = null!;

    [SetUp]
    public async Task MakeVerifier()
    {
        hubspot = await HubSpotSimulator.StartAsync();
        services = new ServiceCollection().AddOptions().BuildServiceProvider();
        var time = new FakeTimeProvider();
        var sources = new CrmSecretSources(manager, Options.Create(new AwsOptions { HubSpotSecret = "crm/hubspot" }), Options.Create(new SecretsOptions()),
            services.GetRequiredService<IOptionsMonitor<HubSpotOptions>>(), time, NullLogger<RotatingSecret>.Instance);
        verifier = new SecretVerifier(manager, sources, Options.Create(new SalesforceOptions()),
            Options.Create(new HubSpotOptions { BaseUrl = hubspot.Address.ToString() }), Options.Create(new CrmOptions()), time);
        manager.Has(SecretStages.Current, "v1", (HubSpotCredentials.Token, hubspot.Token));
        manager.Has(SecretStages.Pending, "v2", (HubSpotCredentials.Token, Pending));
    }

    [TearDown]
    public async Task End()
    {
        verifier.Dispose();
        await services.DisposeAsync();
        await hubspot.DisposeAsync();
    }

    [Test]
    public async Task Should_take_a_pending_token_that_sees_what_the_one_in_use_sees()
    {
        hubspot.SecondToken = Pending;

        Assert.That(await VerifyAsync(), Is.EqualTo(new SecretVerdict(true, "v2", null)));
    }

    [Test]
    public async Task Should_refuse_a_pending_token_that_lacks_a_scope()
    {
        hubspot.SecondToken = Pending;
        _ = hubspot.ScopesMissingOfSecondToken.Add("crm.schemas.contacts.read");

        var verdict = await VerifyAsync();

        Assert.That((verdict!.Valid, verdict.Version), Is.EqualTo((false, "v2")));
        Assert.That(verdict.Reason, Does.StartWith("properties of contacts: the token has not the scope crm.schemas.contacts.read"));
    }

    [Test]
    public async Task Should_refuse_a_pending_token_of_another_account()
    {
        await using var other = await HubSpotSimulator.StartAsync();
        _ = other.Properties["contacts"].Remove("leadpipeline_effect");
        other.Exchange(Pending);
        hubspot.OtherAccounts[Pending] = other;

        var verdict = await VerifyAsync();

        Assert.That(verdict!.Valid, Is.False);
        Assert.That(verdict.Reason, Does.StartWith("properties of contacts: there is no property leadpipeline_effect"));
    }

    [Test]
    public async Task Should_not_hold_against_a_pending_token_what_the_account_lacks()
    {
        hubspot.SecondToken = Pending;
        _ = hubspot.Properties["tasks"].Remove("leadpipeline_effect");

        Assert.That(await VerifyAsync(), Is.EqualTo(new SecretVerdict(true, "v2", null)));
    }

    [Test]
    public async Task Should_refuse_a_token_that_HubSpot_does_not_know()
    {
        var verdict = await VerifyAsync();

        Assert.That(verdict!.Valid, Is.False);
        Assert.That(verdict.Reason, Does.StartWith("login: HubSpot refuses the access token"));
    }

    private Task<SecretVerdict?> VerifyAsync() => verifier.VerifyAsync(CrmProviderKind.HubSpot, SecretStages.Pending, CancellationToken.None);
}
