using System.Globalization;
using System.Text;
using System.Text.Json;
using LeadPipeline.Worker.DeadLetters;
using Microsoft.Extensions.Options;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace LeadPipeline.Worker.Messaging.RabbitMq;

/// <summary>
/// Brings what consumers put aside into the dead letters: reads a message, commits its row with the body sealed, and only then acknowledges it. A
/// crash in between brings the message again, and it is the same row. A stage's command of a lead that is on record is only acknowledged: the lead's own
/// row and its pending command say everything that the message does.
/// </summary>
public sealed partial class ErrorQueueCollector(
    BrokerAddress broker, DeadLetterStore letters, IOptions<MessagingOptions> options, TimeProvider time, ILogger<ErrorQueueCollector> logger) : BackgroundService
{
    /// <summary>What the bus appends to a queue's name for messages that failed, and for those that no consumer knows.</summary>
    private static readonly string[] Suffixes = ["_error", "_skipped"];

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await broker.Factory("leadpipeline collect").CreateConnectionAsync(stoppingToken);
                while (true)
                {
                    foreach (var (queue, suffix) in RabbitMqRegistration.Queues.SelectMany(q => Suffixes.Select(s => (q, s))))
                        await CollectAsync(connection, queue, queue + suffix, stoppingToken);
                    await Task.Delay(options.Value.CollectInterval, time, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Broker or database may be away; the messages stay where they are, and the next round comes.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.Failed(logger, exception);
                await Task.Delay(options.Value.CollectInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>What a message from an error queue says of its failure.</summary>
    /// <param name="queue">The queue that it came from first.</param>
    /// <param name="properties">Its properties.</param>
    /// <param name="body">Its body.</param>
    /// <param name="now">Taken for the time of the failure when the message does not say it.</param>
    public static FailedMessage Read(string queue, IReadOnlyBasicProperties properties, byte[] body, DateTimeOffset now)
    {
        var headers = new Dictionary<string, string>();
        foreach (var (name, value) in properties.Headers ?? new Dictionary<string, object?>())
        {
            if (value is byte[] or string)
                headers[name] = value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : (string)value;
        }
        var failedAt = headers.TryGetValue("MT-Fault-Timestamp", out var stamp) && DateTimeOffset.TryParse(stamp, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at.ToUniversalTime() : now;
        var reason = Reason(headers.GetValueOrDefault("MT-Fault-ExceptionType") ?? headers.GetValueOrDefault("MT-Reason") ?? "unknown");
        var own = headers.Where(h => !h.Key.StartsWith("MT-", StringComparison.Ordinal)).ToDictionary(h => h.Key, h => h.Value);
        // A lead without a key of its own is known by its e-mail for a day or two after its acceptance, and a replay may be later than that.
        if (queue == RabbitMqRegistration.IntakeQueue && QueueMessage.Time(own.GetValueOrDefault(QueueMessage.AcceptedBefore)) is null)
            own[QueueMessage.AcceptedBefore] = QueueMessage.Written(failedAt);
        return new FailedMessage(queue, reason, Audit.AuditChain.Microseconds(failedAt), new QueueMessage(
            body, properties.IsMessageIdPresent() ? properties.MessageId : null, properties.IsContentTypePresent() ? properties.ContentType : null, own, headers.GetValueOrDefault("MT-Fault-Message")));
    }

    /// <summary>The lead that a stage's command is about; null: the message is none, or does not say.</summary>
    public static Guid? LeadOf(string queue, ReadOnlyMemory<byte> body)
    {
        if (queue == RabbitMqRegistration.IntakeQueue)
            return null;
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object
                && message.TryGetProperty("leadId", out var lead) && lead.ValueKind == JsonValueKind.String && lead.TryGetGuid(out var id) ? id : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No JSON, or a text with half a surrogate pair, which the parser lets pass until it is read.
            return null;
        }
    }

    /// <summary>A type's name, and nothing else that somebody may have written there: it becomes a label.</summary>
    private static string Reason(string type)
    {
        var name = new string([.. type.Split('.')[^1].Where(char.IsAsciiLetterOrDigit).Take(80)]);
        return name.Length == 0 ? "unknown" : name;
    }

    private async Task CollectAsync(IConnection connection, string queue, string aside, CancellationToken cancellationToken)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        try
        {
            if ((await channel.QueueDeclarePassiveAsync(aside, cancellationToken)).MessageCount == 0)
                return;
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            // The bus makes these queues when it first needs them.
            return;
        }
        var kept = 0;
        while (await channel.BasicGetAsync(aside, autoAck: false, cancellationToken) is { } got)
        {
            var body = got.Body.ToArray();
            if (LeadOf(queue, body) is not { } lead || !await letters.KnowsLeadAsync(lead, cancellationToken))
            {
                await letters.KeepAsync(Read(queue, got.BasicProperties, body, time.GetUtcNow()), cancellationToken);
                kept++;
            }
            await channel.BasicAckAsync(got.DeliveryTag, multiple: false, cancellationToken);
        }
        if (kept > 0)
            Log.Kept(logger, kept, aside);
    }

    private static partial class Log
    {
        [LoggerMessage(472, LogLevel.Warning, "{Count} messages of {Queue} are among the dead letters now")]
        public static partial void Kept(ILogger logger, int count, string queue);

        [LoggerMessage(473, LogLevel.Warning, "The error queues could not be looked through; they are tried again")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
