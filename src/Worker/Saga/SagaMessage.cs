using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Saga;

/// <summary>Something that happened to a lead. A closed family.</summary>
public abstract record SagaMessage
{
    private SagaMessage() { }

    /// <summary>A door took the lead in.</summary>
    /// <param name="LeadId">The lead.</param>
    public sealed record Accepted(Guid LeadId) : SagaMessage;

    /// <summary>A remote model is about to be asked.</summary>
    /// <param name="Run">The run.</param>
    public sealed record AnalysisBegan(int Run) : SagaMessage;

    /// <summary>Analysis, grounding and planning are through.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Status"><see cref="LeadStatus.Analyzed"/> when there is a plan, else how the path ended.</param>
    /// <param name="Reason">Why it ended, if it did.</param>
    public sealed record AnalysisEnded(int Run, LeadStatus Status, string? Reason) : SagaMessage;

    /// <summary>The plan is about to touch the CRM.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="After">The last epoch that the worker knows of; if there is a later one, someone else has taken the lead.</param>
    /// <param name="Owner">The worker that does it.</param>
    public sealed record EpochOpened(int Run, int After, int Owner) : SagaMessage;

    /// <summary>The plan turned back: from here on what was done is undone. Only the audit and the ledger tell of it.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Epoch">The epoch in which it did.</param>
    public sealed record PlanTurned(int Run, int Epoch) : SagaMessage;

    /// <summary>The plan came to an end.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Epoch">The epoch that ended it; 0 when none had to be opened.</param>
    /// <param name="Status">A terminal status.</param>
    /// <param name="Reason">Why, unless completed.</param>
    public sealed record PlanEnded(int Run, int Epoch, LeadStatus Status, string? Reason) : SagaMessage;

    /// <summary>A stage cannot go on now.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Stage">The stage.</param>
    /// <param name="Until">When to go on.</param>
    /// <param name="Failed">Whether this uses up a try: a fault does, a limit or an open breaker does not.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Epoch">The epoch in which an execution found out; 0 for an analysis.</param>
    public sealed record StageDeferred(int Run, LeadStage Stage, DateTimeOffset Until, bool Failed, string Reason, int Epoch = 0) : SagaMessage;

    /// <summary>A stage cannot go on ever.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Stage">The stage.</param>
    /// <param name="Reason">Why.</param>
    /// <param name="Epoch">The epoch in which an execution found out; 0 for an analysis.</param>
    public sealed record StageFailed(int Run, LeadStage Stage, string Reason, int Epoch = 0) : SagaMessage;

    /// <summary>What a plan waits for has been decided: it need not wait any longer.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Reason">What it waited for; a lead that waits for something else, or not at all, is left as it is.</param>
    public sealed record Woken(int Run, string Reason) : SagaMessage;

    /// <summary>Something is noted in the audit chain and nothing else changes.</summary>
    public sealed record Noted : SagaMessage;

    /// <summary>An operator sends a lead that has ended on its way once more.</summary>
    /// <param name="After">The run that has ended; if there is a later one, someone else was faster.</param>
    /// <param name="Again">Whether what earlier runs did is to be done once more, too.</param>
    public sealed record RunStarted(int After, bool Again) : SagaMessage;

    /// <summary>An operator lets a dead-lettered run go on from where it failed.</summary>
    /// <param name="Run">The run.</param>
    /// <param name="Stage">The stage that it failed in: execution when there is a plan, else analysis.</param>
    public sealed record RunContinued(int Run, LeadStage Stage) : SagaMessage;

    /// <summary>An operator has decided about a lead that waits for one, and it stays where it is: a dead letter was discarded, a review closed.</summary>
    /// <param name="Run">The run that it is about.</param>
    public sealed record Judged(int Run) : SagaMessage;

    /// <summary>An operator stops the lead, which is possible as long as the run has sent nothing to the CRM.</summary>
    /// <param name="Run">The run.</param>
    public sealed record Cancelled(int Run) : SagaMessage;

    /// <summary>The lead's personal data is destroyed. Possible once the lead is terminal, and final.</summary>
    public sealed record Erased : SagaMessage;
}

/// <summary>What the saga answers to a message. A closed family.</summary>
public abstract record SagaDecision
{
    private SagaDecision() { }

    /// <summary>Commit this state, then send its pending command.</summary>
    /// <param name="Next">The state after the message.</param>
    /// <param name="IsBeside">Whether it only tells something: the lead is no further than before, and what is outstanding is not put off by it.</param>
    public sealed record Proceed(LeadSaga Next, bool IsBeside = false) : SagaDecision;

    /// <summary>The message was dealt with before; send the pending command again, for it may never have been sent.</summary>
    /// <param name="Current">The state as it is.</param>
    public sealed record AlreadyDone(LeadSaga Current) : SagaDecision;

    /// <summary>The message is out of date and is dropped.</summary>
    /// <param name="Why">In words, for the log.</param>
    public sealed record Stale(string Why) : SagaDecision;
}
