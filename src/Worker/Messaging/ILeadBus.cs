using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Messaging;

/// <summary>What carries leads from stage to stage: the broker, or this process.</summary>
public interface ILeadBus
{
    /// <summary>
    /// Takes a submitted lead so that it cannot be lost: confirmed by the broker, or committed to the database. Throws
    /// <see cref="BusUnavailableException"/> when it cannot be kept now.
    /// </summary>
    /// <returns>What intake made of it, when that is known already; null when a consumer will find out.</returns>
    Task<IntakeResult?> SubmitAsync(LeadSubmitted submitted, CancellationToken cancellationToken);

    /// <summary>Sends a stage command. It may arrive more than once.</summary>
    Task SendAsync(StageCommand command, CancellationToken cancellationToken);
}

/// <summary>The lead or command could not be handed over now; the sender should try again.</summary>
public sealed class BusUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
