using System.Runtime.InteropServices;
using System.Threading.Channels;
using Npgsql;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace LeadPipeline.Bench.Floor;

/// <summary>
/// What is left when nothing is decided: takes leads from a quorum queue, writes for each the rows that a lead came to which the worker has worked on, in groups as large
/// as the worker's, acknowledges them after the commit, and publishes as many audit messages, confirmed. Plain clients, the rows by binary COPY, one process.
/// </summary>
internal sealed class FloorConsumer(NpgsqlConnection connection, IChannel intake, FloorAudit audit, IReadOnlyList<FloorTable> tables, IReadOnlyList<Guid> templates)
{
    public const string Queue = "floor-intake", Command = "floor-consumer", Ready = "the floor is ready";
    public const string DatabaseVariable = "FLOOR_DATABASE", BrokerVariable = "FLOOR_BROKER", PrefetchVariable = "FLOOR_PREFETCH";

    // As the worker's largest.
    private const int LargestGroup = 128, Templates = 300;

    private readonly Channel<ulong> delivered = Channel.CreateUnbounded<ulong>();
    private readonly Dictionary<Guid, string[]> records = templates.ToDictionary(t => t, t => tables.SelectMany(table => table.CrmIds(t)).ToArray());
    private int next;

    public static async Task<int> RunAsync()
    {
        var stop = new TaskCompletionSource();
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            _ = stop.TrySetResult();
        });
        await using var connection = new NpgsqlConnection(Environment.GetEnvironmentVariable(DatabaseVariable));
        await connection.OpenAsync();
        var templates = await TemplatesAsync(connection);
        var tables = await FloorTable.ReadAsync(connection, templates);

        await using var broker = await new ConnectionFactory { Uri = new Uri(Environment.GetEnvironmentVariable(BrokerVariable)!), AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
        await using var intake = await broker.CreateChannelAsync();
        await using var audit = await FloorAudit.StartAsync(broker, tables.Single(t => t.Name == "audit_events"));
        var floor = new FloorConsumer(connection, intake, audit, tables, templates);
        await floor.ConsumeAsync(ushort.Parse(Environment.GetEnvironmentVariable(PrefetchVariable)!, System.Globalization.CultureInfo.InvariantCulture));
        var work = floor.WorkAsync();
        Console.WriteLine(Ready);
        await await Task.WhenAny(stop.Task, work);
        return 0;
    }

    private static async Task<IReadOnlyList<Guid>> TemplatesAsync(NpgsqlConnection connection)
    {
        var found = new List<Guid>();
        await using var command = new NpgsqlCommand($"SELECT id FROM leads WHERE pending IS NULL ORDER BY id LIMIT {Templates}", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            found.Add(reader.GetGuid(0));
        return found.Count > 0 ? found : throw new InvalidOperationException("There is no finished lead to repeat.");
    }

    private async Task ConsumeAsync(ushort prefetch)
    {
        await intake.BasicQosAsync(0, prefetch, global: false);
        var consumer = new AsyncEventingBasicConsumer(intake);
        consumer.ReceivedAsync += (_, message) => delivered.Writer.WriteAsync(message.DeliveryTag).AsTask();
        _ = await intake.BasicConsumeAsync(Queue, autoAck: false, consumer);
    }

    private async Task WorkAsync()
    {
        var group = new List<FloorLead>(LargestGroup);
        while (await delivered.Reader.WaitToReadAsync())
        {
            group.Clear();
            var last = 0UL;
            while (group.Count < LargestGroup && delivered.Reader.TryRead(out var tag))
            {
                group.Add(New());
                last = tag;
            }
            await using (var transaction = await connection.BeginTransactionAsync())
            {
                var now = DateTime.UtcNow;
                foreach (var table in tables)
                    table.Write(connection, group, now);
                await transaction.CommitAsync();
            }
            await intake.BasicAckAsync(last, multiple: true);
            await audit.SendAsync([.. group]);
        }
    }

    private FloorLead New()
    {
        var template = templates[next++ % templates.Count];
        return new FloorLead(template, Guid.NewGuid(), records[template].ToDictionary(id => id, id => string.Concat(id.AsSpan(0, 3), Guid.NewGuid().ToString("N").AsSpan(0, 15))));
    }
}
