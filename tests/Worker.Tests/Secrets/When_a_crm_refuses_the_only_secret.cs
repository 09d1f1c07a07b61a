using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.HubSpot;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.HubSpot;
using LeadPipeline.TestKit.Simulators.Salesforce;
using LeadPipeline.Worker.Secrets;
using Microsoft.Extensions.Logging.Abstractions;

namespace LeadPipeline.Worker.Tests.Secrets;

public sealed class When_a_crm_refuses_the_only_secret
{
    private readonly FakeTimeProvider time = new();
    private readonly FakeSecretsManager manager = new();
    private HttpClient http = null!;
    private RotatingSecret secret = null!;

    [SetUp]
    public void MakeSecret()
    {
        http = new HttpClient(VendorHttp.NewHandler());
        secret = new RotatingSecret(manager, "crm/secret", time, NullLogger<RotatingSecret>.Instance);
    }

    [TearDown]
    public void End() => http.Dispose();

    [Test]
    public async Task Should_call_HubSpot_twice_an_operation_at_most()
    {
        await using var hubspot = await HubSpotSimulator.StartAsync();
        manager.Has(SecretStages.Current, "v1", (HubSpotCredentials.Token, "not the token"));
        var vendor = new VendorHttp(HubSpotCrm.Name, http, new HubSpotCredentials(hubspot.Address, secret), time);

        var calls = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            var before = hubspot.Calls("owners");
            var reply = await vendor.SendAsync("owners", _ => new HttpRequestMessage(HttpMethod.Get, new Uri(hubspot.Address, "/crm/owners/2026-03")), TimeSpan.FromSeconds(5), CancellationToken.None);
            Assert.That(reply, Is.TypeOf<VendorReply.NotTaken>().With.Property("Kind").EqualTo(NotNowKind.Unauthorized));
            calls.Add(hubspot.Calls("owners") - before);
        }

        Assert.That(calls, Is.All.EqualTo(2));
        Assert.That(manager.Asked, Has.Count.EqualTo(4), "once for the first use, and each stage once after the refusal");
    }

    [Test]
    public async Task Should_log_in_at_Salesforce_once_an_operation()
    {
        await using var org = await SalesforceSimulator.StartAsync();
        manager.Has(SecretStages.Current, "v1", ("clientid", SalesforceSimulator.ClientId), ("clientsecret", "not the secret"));
        using var credentials = new SalesforceCredentials(new SalesforceOptions { BaseUrl = org.Address.ToString(), LoginUrl = org.Address.ToString() }, http, time, secret);

        var logins = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            var before = org.Calls("token");
            Assert.That(async () => await credentials.GetAsync(CancellationToken.None), Throws.TypeOf<CrmUnavailableException>().With.Property("Kind").EqualTo(NotNowKind.Unauthorized));
            logins.Add(org.Calls("token") - before);
        }

        Assert.That(logins, Is.All.EqualTo(1));
    }

    [Test]
    public async Task Should_still_log_in_at_Salesforce_with_the_pending_version()
    {
        await using var org = await SalesforceSimulator.StartAsync();
        manager.Has(SecretStages.Current, "v1", ("clientid", SalesforceSimulator.ClientId), ("clientsecret", "not the secret"));
        manager.Has(SecretStages.Pending, "v2", ("clientid", SalesforceSimulator.ClientId), ("clientsecret", SalesforceSimulator.ClientSecret));
        using var credentials = new SalesforceCredentials(new SalesforceOptions { BaseUrl = org.Address.ToString(), LoginUrl = org.Address.ToString() }, http, time, secret);

        _ = await credentials.GetAsync(CancellationToken.None);

        Assert.That((org.Calls("token"), (await secret.GetAsync(CancellationToken.None)).Version), Is.EqualTo((2, "v2")));
    }
}
