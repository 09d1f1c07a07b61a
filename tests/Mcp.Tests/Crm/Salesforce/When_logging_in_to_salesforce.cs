using System.Security.Cryptography;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using LeadPipeline.Mcp.Crm.Salesforce;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators;
using LeadPipeline.TestKit.Simulators.Salesforce;

namespace LeadPipeline.Mcp.Tests.Crm.Salesforce;

public sealed class When_logging_in_to_salesforce
{
    [Test]
    public async Task Should_sign_an_assertion_with_the_private_key()
    {
        using var key = RSA.Create(2048);
        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "key.pem");
        await File.WriteAllTextAsync(file, key.ExportPkcs8PrivateKeyPem());
        await using var org = await SalesforceCase.StartAsync(o => (o.PrivateKeyFile, o.Username, o.ClientSecret) = (file, SalesforceSimulator.Username, null));
        org.Org.Certificate = key;

        var access = await org.Credentials.GetAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(org.Options.Problems(), Is.Empty);
            Assert.That(access.Bearer, Is.Not.Empty);
            Assert.That(access.UserId, Does.StartWith("005"));
        }
    }

    [Test]
    public async Task Should_take_an_assertion_of_another_key_for_refused_credentials()
    {
        using var key = RSA.Create(2048);
        using var other = RSA.Create(2048);
        using var folder = new TempFolder();
        var file = Path.Combine(folder.Path, "key.pem");
        await File.WriteAllTextAsync(file, key.ExportPkcs8PrivateKeyPem());
        await using var org = await SalesforceCase.StartAsync(o => (o.PrivateKeyFile, o.Username) = (file, SalesforceSimulator.Username));
        org.Org.Certificate = other;

        Assert.That(async () => await org.Credentials.GetAsync(CancellationToken.None),
            Throws.TypeOf<CrmUnavailableException>().With.Property("Kind").EqualTo(NotNowKind.Unauthorized).And.Message.Contains("invalid_grant"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Should_use_a_password_only_when_told_to(bool allowed)
    {
        await using var org = await SalesforceCase.StartAsync(o =>
            (o.Username, o.Password, o.SecurityToken, o.AllowPasswordFlow) = (SalesforceSimulator.Username, SalesforceSimulator.Password[..^5], SalesforceSimulator.Password[^5..], allowed));
        org.Org.PasswordFlow = true;

        _ = await org.Credentials.GetAsync(CancellationToken.None);

        Assert.That(org.Org.Exchanges.Single().Request.Body.Contains("grant_type=password", StringComparison.Ordinal), Is.EqualTo(allowed));
    }

    [Test]
    public async Task Should_log_in_once_for_many_callers()
    {
        await using var org = await SalesforceCase.StartAsync();

        var accesses = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => org.Credentials.GetAsync(CancellationToken.None).AsTask()));
        foreach (var access in accesses)
            org.Credentials.Refused(access);
        _ = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => org.Credentials.GetAsync(CancellationToken.None).AsTask()));
        // A refusal of the token before last says nothing of the one in force.
        org.Credentials.Refused(accesses[0]);
        _ = await org.Credentials.GetAsync(CancellationToken.None);

        Assert.That(org.Org.Calls("token"), Is.EqualTo(2));
    }

    [Test]
    public async Task Should_go_where_the_login_says_unless_the_address_is_set()
    {
        await using var elsewhere = await SalesforceCase.StartAsync(o => (o.BaseUrl, o.LoginUrl) = (null, o.BaseUrl));
        elsewhere.Org.InstanceUrl = "https://instance.example";
        await using var set = await SalesforceCase.StartAsync();
        set.Org.InstanceUrl = "https://instance.example";

        var (followed, kept) = (await elsewhere.Credentials.GetAsync(CancellationToken.None), await set.Credentials.GetAsync(CancellationToken.None));

        Assert.That((followed.BaseAddress.Host, kept.BaseAddress.Host), Is.EqualTo(("instance.example", "127.0.0.1")));
    }

    [Test]
    public async Task Should_send_no_token_to_an_address_without_encryption()
    {
        await using var org = await SalesforceCase.StartAsync(o => (o.BaseUrl, o.LoginUrl) = (null, o.BaseUrl));
        org.Org.InstanceUrl = "http://instance.example";

        Assert.That(async () => await org.Credentials.GetAsync(CancellationToken.None), Throws.TypeOf<CrmUnavailableException>());
    }

    [Test]
    public async Task Should_give_up_after_one_refresh()
    {
        await using var org = await SalesforceCase.StartAsync();
        org.Org.Faults.FailCall("read", 1, new SimulatorFault.RotateToken());
        org.Org.Faults.FailCall("read", 2, new SimulatorFault.RotateToken());

        Assert.That(async () => await org.Crm.ReadAsync(new CrmQuery { Email = "a@b.example" }, CancellationToken.None),
            Throws.TypeOf<CrmUnavailableException>().With.Property("Kind").EqualTo(NotNowKind.Unauthorized));
        Assert.That(org.Org.Calls("token"), Is.EqualTo(2));
    }

    [Test]
    public void Should_name_every_setting_that_is_missing()
    {
        var problems = new SalesforceOptions { Password = "p", BaseUrl = "http://elsewhere.example" }.Problems().ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(problems, Has.Some.StartsWith("Salesforce:BaseUrl: 'http://elsewhere.example' is not allowed"));
            Assert.That(new SalesforceOptions { LoginUrl = "https://ada:secret@na1.example" }.Problems(), Has.Some.StartsWith("Salesforce:LoginUrl: the value is not allowed").And.None.Contains("secret@"));
            Assert.That(problems, Has.Some.StartsWith("Salesforce:ClientId is not set"));
            Assert.That(problems, Has.Some.StartsWith("Salesforce:Password is set without Salesforce:AllowPasswordFlow=true"));
        }
    }
}
