using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace LeadPipeline.Integration.Tests;

/// <summary>What a deployment gets wrong, one thing at a time: the doctor has to name it and say what to do.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_the_doctor_looks
{
    private ServedState state = null!;

    [OneTimeSetUp]
    public async Task CreateAsync() => state = await ServedState.CreateAsync();

    [OneTimeTearDown]
    public async Task DisposeAsync() => await state.DisposeAsync();

    [Test]
    public async Task Should_find_everything_well_where_it_is()
    {
        var checks = await LookAsync(expected: 0);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(checks.First(c => c.Name == "broker").Says, Does.Match(@"^RabbitMQ 3\.\d+\.\d+ at .* publish$"));
            Assert.That(checks.Select(c => c.Name), Is.SupersetOf(new[] { "database", "crm", "broker", "broker: lead-intake", "broker: lead-analysis", "broker: lead-execution", "broker: lead-audit", "clock" }));
        }
    }

    [TestCase("Password", "guessed", "the password in ConnectionStrings:Database is wrong")]
    [TestCase("Database", "not_there", "createdb")]
    [TestCase("Port", "1", "start the server")]
    public async Task Should_tell_what_is_wrong_with_the_database_s_address(string part, string value, string remedy)
    {
        var address = new NpgsqlConnectionStringBuilder(state.Database.ConnectionString) { [part] = value };

        var checks = await LookAsync(1, ("ConnectionStrings__Database", address.ConnectionString));

        Assert.That(Fault(checks, "database"), Does.Contain(remedy));
    }

    [Test]
    public async Task Should_tell_that_the_tables_are_old()
    {
        await using var empty = await TestServers.CreateDatabaseAsync();

        var checks = await LookAsync(1, ("ConnectionStrings__Database", empty.ConnectionString), ("Database__Migrate", "false"));

        Assert.That(Fault(checks, "database"), Does.Contain("db migrate"));
    }

    [Test]
    public async Task Should_tell_that_the_tables_are_those_of_a_newer_version()
    {
        await using var newer = await TestServers.CreateDatabaseAsync();
        _ = await LookAsync(0, ("ConnectionStrings__Database", newer.ConnectionString));
        await newer.ExecuteAsync("INSERT INTO \"__EFMigrationsHistory\" VALUES ('99991231_Unheard', '99.0')");

        var checks = await LookAsync(1, ("ConnectionStrings__Database", newer.ConnectionString));

        Assert.That(Fault(checks, "database"), Does.Contain("99991231_Unheard").And.Contain("newer version"));
    }

    [Test]
    public async Task Should_tell_that_the_user_may_not_make_tables()
    {
        await using var bare = await TestServers.CreateDatabaseAsync();
        var role = $"weak_{Guid.NewGuid():N}";
        await bare.ExecuteAsync($"CREATE ROLE {role} LOGIN PASSWORD 'weak'; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
        try
        {
            var address = new NpgsqlConnectionStringBuilder(bare.ConnectionString) { Username = role, Password = "weak" };

            var checks = await LookAsync(1, ("ConnectionStrings__Database", address.ConnectionString));

            Assert.That(Fault(checks, "database"), Does.Contain("lacks a right"));
        }
        finally
        {
            await bare.ExecuteAsync($"DROP OWNED BY {role}; DROP ROLE {role}");
        }
    }

    [Test]
    public async Task Should_tell_that_the_broker_s_password_is_wrong_without_telling_it()
    {
        var address = new UriBuilder(state.Broker.Uri) { Password = "guessed-secret" }.Uri;

        var checks = await LookAsync(1, ("ConnectionStrings__Broker", address.ToString()));

        Assert.That(Fault(checks, "broker"), Does.Contain("password").And.Not.Contain("guessed-secret"));
    }

    [Test]
    public async Task Should_tell_that_there_is_no_such_virtual_host()
    {
        var address = new UriBuilder(state.Broker.Uri) { Path = "/not-there" }.Uri;

        var checks = await LookAsync(1, ("ConnectionStrings__Broker", address.ToString()));

        Assert.That(Fault(checks, "broker"), Does.Contain("add_vhost"));
    }

    [TestCase("^(lead-(intake|execution|audit)|amq\\.gen).*", ".*", ".*", "broker: lead-analysis")]
    [TestCase(".*", "^(lead-(intake|analysis|audit)|amq\\.).*", ".*", "broker: lead-execution")]
    [TestCase(".*", ".*", "^(lead-(analysis|execution)|amq\\.gen).*", "broker: lead-intake")]
    public async Task Should_name_the_queue_that_a_right_is_missing_for(string configure, string write, string read, string check)
    {
        await using var broker = await TestServers.CreateBrokerAsync();
        var limited = await broker.CreateUserAsync(configure, write, read);

        var checks = await LookAsync(1, ("ConnectionStrings__Broker", limited.ToString()));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Fault(checks, check), Does.Contain("set_permissions"));
            Assert.That(checks.Where(c => !c.Well).Select(c => c.Name), Is.EqualTo(new[] { check }), "the others are well");
        }
    }

    [Test]
    public async Task Should_tell_that_a_vendor_cannot_be_reached()
    {
        var checks = await LookAsync(1, ("CRM_PROVIDER", "HUBSPOT"), ("HUBSPOT_ACCESS_TOKEN", "token"), ("HubSpot__BaseUrl", "http://127.0.0.1:1"), ("Retry__Attempts", "1"));

        Assert.That(Fault(checks, "crm"), Does.Contain("address"));
    }

    [TestCase(3600, "behind")]
    [TestCase(-3600, "ahead of")]
    public async Task Should_tell_that_the_clock_is_not_the_vendor_s(int seconds, string how)
    {
        using var vendor = new TcpListener(IPAddress.Loopback, 0);
        vendor.Start();
        using var stop = new CancellationTokenSource();
        var serving = ServeAsync(vendor, DateTimeOffset.UtcNow.AddSeconds(seconds), stop.Token);

        var checks = await LookAsync(1, ("CRM_PROVIDER", "HUBSPOT"), ("HUBSPOT_ACCESS_TOKEN", "token"), ("HubSpot__BaseUrl", $"http://{vendor.LocalEndpoint}"), ("Retry__Attempts", "1"));

        await stop.CancelAsync();
        await serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Assert.That(Fault(checks, "clock"), Does.Contain($"{how} HubSpot").And.Contain("NTP"));
    }

    private static async Task ServeAsync(TcpListener listener, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var answer = Encoding.ASCII.GetBytes($"HTTP/1.1 404 Not Found\r\nDate: {now.ToString("r", CultureInfo.InvariantCulture)}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        while (!cancellationToken.IsCancellationRequested)
        {
            using var client = await listener.AcceptTcpClientAsync(cancellationToken);
            await using var stream = client.GetStream();
            _ = await stream.ReadAsync(new byte[8192], cancellationToken);
            await stream.WriteAsync(answer, cancellationToken);
        }
    }

    private static string Fault(IReadOnlyList<Check> checks, string name) => checks.First(c => c.Name == name && !c.Well).Says;

    private async Task<IReadOnlyList<Check>> LookAsync(int expected, params (string Key, string Value)[] settings)
    {
        var (code, answer) = await Cli.JsonAsync(["doctor", "--json"], state.Folder.Path, state.Settings(settings));
        Check[] checks = [.. answer!["checks"]!.AsArray().Select(c => new Check(c!["check"]!.GetValue<string>(), c["ok"]!.GetValue<bool>(), c["says"]!.GetValue<string>()))];
        Assert.That(code, Is.EqualTo(expected), string.Join('\n', checks.AsEnumerable()));
        return checks;
    }

    private sealed record Check(string Name, bool Well, string Says);
}
