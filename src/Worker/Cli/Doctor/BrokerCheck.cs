using System.Globalization;
using System.Text;
using LeadPipeline.Worker.Messaging.RabbitMq;
using RabbitMQ.Client;

namespace LeadPipeline.Worker.Cli.Doctor;

/// <summary>Tries with the broker what a worker does at its start, queue by queue: a right may be missing for one of them alone.</summary>
internal static class BrokerCheck
{
    private const string Remedy = "check ConnectionStrings:Broker, that the server runs, and the user's rights on the virtual host";

    /// <summary>Looks; without a connection there is nothing further to see.</summary>
    public static async Task<IReadOnlyList<Finding>> RunAsync(BrokerAddress broker, CancellationToken cancellationToken)
    {
        var findings = new List<Finding> { await Finding.TryAsync("broker", Remedy, token => ConnectAsync(broker, token), cancellationToken) };
        if (!findings[0].Well)
            return findings;
        foreach (var queue in RabbitMqRegistration.Queues)
            findings.Add(await Finding.TryAsync($"broker: {queue}", Remedy, token => QueueAsync(broker, queue, token), cancellationToken));
        findings.Add(await Finding.TryAsync($"broker: {RabbitMqAuditExchange.Name}", Remedy, token => ExchangeAsync(broker, token), cancellationToken));
        return findings;
    }

    private static async Task<string> ConnectAsync(BrokerAddress broker, CancellationToken cancellationToken)
    {
        await using var connection = await broker.Factory("leadpipeline doctor").CreateConnectionAsync(cancellationToken);
        var version = connection.ServerProperties?.TryGetValue("version", out var told) == true && told is byte[] text ? Encoding.UTF8.GetString(text) : "of an unknown version";
        return await DeclareAsync(broker, version, cancellationToken);
    }

    /// <summary>What to know about a broker of this version; empty: nothing. Whether a policy has taken the limit off cannot be seen over AMQP.</summary>
    internal static string NoteOn(string version) => int.TryParse(version.Split('.')[0], CultureInfo.InvariantCulture, out var major) && major >= 4
        ? "; from 4 on it deletes what it has delivered 20 times, unless a policy sets delivery-limit to -1 for ^lead- (docs/DEPLOYMENT.md)"
        : "";

    private static Task<string> DeclareAsync(BrokerAddress broker, string version, CancellationToken cancellationToken) => OnChannelAsync(broker, async channel =>
    {
        // A name of the server's own, gone with the channel: it only shows that we may declare and publish.
        var queue = await channel.QueueDeclareAsync(durable: false, exclusive: true, autoDelete: true, cancellationToken: cancellationToken);
        await channel.BasicPublishAsync("", queue.QueueName, mandatory: true, new BasicProperties(), ReadOnlyMemory<byte>.Empty, cancellationToken);
        return $"RabbitMQ {version} at {broker} answers and lets us declare and publish{NoteOn(version)}";
    }, cancellationToken);

    private static Task<string> QueueAsync(BrokerAddress broker, string queue, CancellationToken cancellationToken) => OnChannelAsync(broker, async channel =>
    {
        // As the consumers' bus makes them: an exchange of the queue's name, bound to it.
        var there = await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" }, cancellationToken: cancellationToken);
        await channel.ExchangeDeclareAsync(queue, ExchangeType.Fanout, durable: true, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(queue, queue, "", cancellationToken: cancellationToken);
        // A message that is taken and given back has been delivered once more, and somebody may count that.
        if (there.MessageCount > 0)
            return $"we may make and fill it; it holds {there.MessageCount} messages, so reading was not tried";
        if (await channel.BasicGetAsync(queue, autoAck: false, cancellationToken) is { } raced)
            await channel.BasicNackAsync(raced.DeliveryTag, multiple: false, requeue: true, cancellationToken);
        return "we may make, fill and read it";
    }, cancellationToken);

    private static Task<string> ExchangeAsync(BrokerAddress broker, CancellationToken cancellationToken) => OnChannelAsync(broker, async channel =>
    {
        await channel.ExchangeDeclareAsync(RabbitMqAuditExchange.Name, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);
        return "we may make it; publishing was not tried, for subscribers would see it";
    }, cancellationToken);

    /// <summary>A refusal closes the channel, so each try has its own.</summary>
    private static async Task<string> OnChannelAsync(BrokerAddress broker, Func<IChannel, Task<string>> work, CancellationToken cancellationToken)
    {
        await using var connection = await broker.Factory("leadpipeline doctor").CreateConnectionAsync(cancellationToken);
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), cancellationToken);
        return await work(channel);
    }
}
