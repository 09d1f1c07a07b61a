using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit;

/// <summary>
/// The real PostgreSQL and RabbitMQ. Named by the variables below, as <c>test.sh</c> does, or else started once per
/// process. A test that cannot have its server fails; it is never skipped.
/// </summary>
public static partial class TestServers
{
    /// <summary>An Npgsql connection string whose user may create databases.</summary>
    public const string DatabaseVariable = "LEADPIPELINE_TEST_DATABASE";

    /// <summary>An AMQP URI whose user may create virtual hosts.</summary>
    public const string BrokerVariable = "LEADPIPELINE_TEST_BROKER";

    /// <summary>The address of RabbitMQ's management API; the same user.</summary>
    public const string BrokerUiVariable = "LEADPIPELINE_TEST_BROKER_UI";

    private static readonly Lazy<Task<ServerAddresses>> Addresses = new(FindAsync);

    /// <summary>A new, empty database, dropped when disposed of.</summary>
    public static async Task<TestDatabase> CreateDatabaseAsync() =>
        await TestDatabase.CreateAsync((await Addresses.Value).Database);

    /// <summary>A new, empty virtual host, deleted with its queues when disposed of.</summary>
    public static async Task<TestBroker> CreateBrokerAsync()
    {
        var addresses = await Addresses.Value;
        return await TestBroker.CreateAsync(addresses.Broker, addresses.BrokerUi);
    }

    private static async Task<ServerAddresses> FindAsync()
    {
        var named = From(Environment.GetEnvironmentVariable);
        if (named is not null)
            return named;

        string printed;
        try
        {
            printed = await ServerScript.RunAsync("start");
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException(
                $"This test needs PostgreSQL and RabbitMQ, and they could not be started. Start Docker, or install both " +
                $"(apt-get install postgresql rabbitmq-server), or name running ones in {DatabaseVariable}, {BrokerVariable} " +
                $"and {BrokerUiVariable}.\n{exception.Message}", exception);
        }

        var exports = ExportLine().Matches(printed).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["value"].Value);
        return From(exports.GetValueOrDefault)
            ?? throw new InvalidOperationException($"servers.sh did not say where the servers are. It printed:\n{printed}");
    }

    private static ServerAddresses? From(Func<string, string?> read) =>
        read(DatabaseVariable) is { Length: > 0 } database && read(BrokerVariable) is { Length: > 0 } broker && read(BrokerUiVariable) is { Length: > 0 } ui
            ? new ServerAddresses(database, new Uri(broker), new Uri(ui))
            : null;

    [GeneratedRegex("^export (?<name>[A-Z_]+)='(?<value>[^']*)'", RegexOptions.Multiline)]
    private static partial Regex ExportLine();

    private sealed record ServerAddresses(string Database, Uri Broker, Uri BrokerUi);
}
