using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.Saga;

/// <summary>The order to bring a lead through a stage.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Stage">The stage.</param>
/// <param name="Run">The run.</param>
/// <param name="Attempt">How often the stage was put off before; makes the message's id.</param>
public sealed record StageCommand(Guid LeadId, LeadStage Stage, int Run, int Attempt)
{
    /// <summary>The lead as the stage before left it, when it is handed over within the process. Only a saving: the version check tells when it is out of date.</summary>
    public LeadWork? Warm { get; init; }

    /// <summary>The trace that it belongs to, as W3C <c>traceparent</c>; null: nobody listens, or it comes from the record and not from a stage.</summary>
    public string? Trace { get; init; }

    /// <summary>The command that a lead waits for, if any.</summary>
    public static StageCommand? Pending(LeadSaga saga, LeadWork? warm = null) =>
        saga.Pending == LeadStage.None ? null : new(saga.LeadId, saga.Pending, saga.Run, saga.Attempt) { Warm = warm };
}
