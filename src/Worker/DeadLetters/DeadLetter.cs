using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.Storage;

namespace LeadPipeline.Worker.DeadLetters;

/// <summary>Makes dead letters: what failed, where, and why, grouped by cause.</summary>
public static class DeadLetter
{
    /// <summary>The dead letter of a lead whose stage failed for good.</summary>
    /// <param name="saga">The lead's state before it failed.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="reason">A stable code.</param>
    /// <param name="tool">The tool that it failed in, if any.</param>
    /// <param name="now">The time.</param>
    public static DeadLetterRow Of(LeadSaga saga, LeadStage stage, string reason, string? tool, DateTimeOffset now) => new()
    {
        Id = DeterministicId.Create(saga.LeadId, $"dead/{stage}/{saga.Run}/{saga.Attempt}"),
        LeadId = saga.LeadId,
        Queue = stage == LeadStage.Execution ? "lead-execution" : "lead-analysis",
        // Equal causes get equal fingerprints, whatever lead they hit.
        Fingerprint = string.Join('/', new[] { stage.ToString().ToLowerInvariant(), tool, reason }.OfType<string>()),
        Reason = reason,
        At = now,
        State = "open",
        Replays = 0,
    };
}
