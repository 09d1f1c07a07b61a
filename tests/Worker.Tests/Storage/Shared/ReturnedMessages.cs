using LeadPipeline.Worker.DeadLetters;
using LeadPipeline.Worker.Messaging;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>Queues to which messages are sent back, to be looked at.</summary>
public sealed class ReturnedMessages : IMessageReturn
{
    /// <summary>Whether the broker is away.</summary>
    public bool Away { get; set; }

    /// <summary>What came back, in its order.</summary>
    public List<(string Queue, QueueMessage Message)> Returned { get; set; } = [];

    /// <summary>What happens after the broker has taken a message and before anybody knows.</summary>
    public Func<Task>? Taking { get; set; }

    public async Task ReturnAsync(string queue, QueueMessage message, CancellationToken cancellationToken)
    {
        if (Away)
            throw new BusUnavailableException("Away.");
        Returned.Add((queue, message));
        if (Taking is { } taking)
            await taking();
    }
}
