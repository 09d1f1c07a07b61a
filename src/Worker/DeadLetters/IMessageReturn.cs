namespace LeadPipeline.Worker.DeadLetters;

/// <summary>Puts a message that was set aside back into the one queue that it came from.</summary>
public interface IMessageReturn
{
    /// <summary>Ends when the queue holds the message.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="message">The message, which keeps its id.</param>
    /// <param name="cancellationToken">The caller's patience.</param>
    /// <exception cref="Messaging.BusUnavailableException">It could not be sent; it is still where it was.</exception>
    Task ReturnAsync(string queue, QueueMessage message, CancellationToken cancellationToken);
}
