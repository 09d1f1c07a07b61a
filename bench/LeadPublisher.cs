using LeadPipeline.TestKit;
using RabbitMQ.Client;

namespace LeadPipeline.Bench;

/// <summary>Posts leads to a queue as another system would: plain JSON, confirmed by the broker, many under way at once.</summary>
internal static class LeadPublisher
{
    private const int UnderWay = 512;

    public static async Task PublishAsync(TestBroker broker, string queue, IEnumerable<byte[]> leads)
    {
        await using var connection = await broker.ConnectAsync();
        await using var channel = await connection.CreateChannelAsync(
            new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null));
        var properties = new BasicProperties { ContentType = "application/json", DeliveryMode = DeliveryModes.Persistent };
        var confirms = new Queue<Task>(UnderWay);
        foreach (var lead in leads)
        {
            if (confirms.Count == UnderWay)
                await confirms.Dequeue();
            confirms.Enqueue(channel.BasicPublishAsync("", queue, mandatory: true, properties, lead).AsTask());
        }
        await Task.WhenAll(confirms);
    }
}
