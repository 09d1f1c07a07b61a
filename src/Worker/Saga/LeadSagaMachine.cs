using LeadPipeline.Contracts;

namespace LeadPipeline.Worker.Saga;

/// <summary>
/// The path of a lead as one pure function. It knows no bus, no database and no clock but the time it is given; every consumer asks it
/// twice: <see cref="Receive"/> whether a command is still to be carried out, and <see cref="Decide"/> what its outcome does to the lead.
/// </summary>
public static class LeadSagaMachine
{
    /// <summary>
    /// Whether a command that was delivered is to be carried out. Commands come at least once, in any order, and from
    /// redelivery, the sweeper and operators alike.
    /// </summary>
    /// <param name="saga">The lead's state; null when there is none.</param>
    /// <param name="stage">The stage that the command orders.</param>
    /// <param name="run">The run that it orders it for.</param>
    /// <param name="now">The time.</param>
    /// <returns><see cref="SagaDecision.Proceed"/> with the state unchanged when it is to be carried out.</returns>
    public static SagaDecision Receive(LeadSaga? saga, LeadStage stage, int run, DateTimeOffset now)
    {
        if (saga is null)
            return new SagaDecision.Stale("no such lead");
        if (run != saga.Run)
            return new SagaDecision.Stale($"run {run} is not the current run {saga.Run}");
        if (saga.Status.IsTerminal())
            return new SagaDecision.Stale($"the lead is {saga.Status}");
        if (saga.Pending != stage)
            // The stages run forward only: a command for another stage than the pending one is the one before it, done already.
            return new SagaDecision.AlreadyDone(saga);
        if (saga.DueAt > now)
            return new SagaDecision.Stale("deferred; the sweeper sends the command when it is due");
        return new SagaDecision.Proceed(saga);
    }

    /// <summary>What a message does to a lead.</summary>
    /// <param name="saga">The lead's state; null when there is none.</param>
    /// <param name="message">What happened.</param>
    /// <param name="now">The time.</param>
    public static SagaDecision Decide(LeadSaga? saga, SagaMessage message, DateTimeOffset now)
    {
        if (message is SagaMessage.Accepted accepted)
        {
            return saga is not null
                ? new SagaDecision.AlreadyDone(saga)
                : Proceed(new LeadSaga { LeadId = accepted.LeadId, ReceivedAt = now, Status = LeadStatus.Received, Pending = LeadStage.Analysis }, now);
        }

        if (saga is null)
            return new SagaDecision.Stale("no such lead");
        // Nothing may be sealed for an erased lead any more: its key is gone.
        if (saga.Status == LeadStatus.Erased)
            return message is SagaMessage.Erased ? new SagaDecision.AlreadyDone(saga) : new SagaDecision.Stale("the lead is erased");
        if (message is SagaMessage.Noted)
            return Beside(saga);
        if (message is SagaMessage.Woken woken)
            // Due at once, and still deferred: the sweeper sends it as it sends any other.
            return woken.Run == saga.Run && saga is { Status: LeadStatus.Deferred, DueAt: { } due } && saga.Reason == woken.Reason && due > now ? Proceed(saga with { DueAt = now }, now) : Beside(saga);
        if (saga.Status.IsTerminal())
            return AfterTheEnd(saga, message, now);
        if (message is SagaMessage.RunStarted or SagaMessage.RunContinued or SagaMessage.Judged or SagaMessage.Erased)
            return new SagaDecision.Stale("a run is open");
        if (RunOf(message) != saga.Run)
            return new SagaDecision.Stale($"run {RunOf(message)} is not the current run {saga.Run}");

        return message switch
        {
            SagaMessage.AnalysisBegan when saga.Pending == LeadStage.Analysis
                => Proceed(saga with { Status = LeadStatus.Analyzing, DueAt = null }, now),

            SagaMessage.AnalysisEnded { Status: LeadStatus.Analyzed } when saga.Pending == LeadStage.Analysis
                => Proceed(Fresh(saga) with { Status = LeadStatus.Analyzed, Pending = LeadStage.Execution }, now),

            SagaMessage.AnalysisEnded ended when saga.Pending == LeadStage.Analysis && ended.Status.IsTerminal()
                => Proceed(Ended(saga, ended.Status, ended.Reason), now),

            SagaMessage.EpochOpened opened when saga.Pending == LeadStage.Execution && opened.After == saga.Epoch
                => Proceed(saga with { Status = LeadStatus.Executing, Epoch = saga.Epoch + 1, Owner = opened.Owner, DueAt = null }, now),

            SagaMessage.PlanTurned turned when saga.Pending == LeadStage.Execution && turned.Epoch == saga.Epoch
                => Proceed(saga, now),

            // An epoch that was opened after this one has taken the lead over; only the latest may say how the plan goes on.
            SagaMessage.PlanEnded ended when saga.Pending == LeadStage.Execution && ended.Epoch == saga.Epoch && ended.Status.IsTerminal()
                => Proceed(Ended(saga, ended.Status, ended.Reason), now),

            SagaMessage.StageDeferred deferred when saga.Pending == deferred.Stage && InEpoch(saga, deferred.Stage, deferred.Epoch)
                => Proceed(Deferred(saga, deferred, now), now),

            SagaMessage.StageFailed failed when saga.Pending == failed.Stage && InEpoch(saga, failed.Stage, failed.Epoch)
                => Proceed(Ended(saga, LeadStatus.DeadLettered, failed.Reason), now),

            // From the first epoch on something may be in the CRM; then only the plan itself can bring the lead to an end.
            SagaMessage.Cancelled when saga.Epoch == 0
                => Proceed(Ended(saga, LeadStatus.Cancelled, null), now),
            SagaMessage.Cancelled
                => new SagaDecision.Stale("something may have been sent"),

            _ => new SagaDecision.AlreadyDone(saga),
        };
    }

    /// <summary>What an operator may do with a lead that has ended. Nothing else moves it.</summary>
    private static SagaDecision AfterTheEnd(LeadSaga saga, SagaMessage message, DateTimeOffset now) => message switch
    {
        SagaMessage.RunStarted started when started.After == saga.Run && saga.Status != LeadStatus.DeadLettered => Proceed(
            Fresh(saga) with { Run = saga.Run + 1, Again = started.Again, Status = LeadStatus.Received, Pending = LeadStage.Analysis, Epoch = 0 }, now),

        // The epoch stays: the ledger of the run is still true, and what was sent is read back before anything is written.
        SagaMessage.RunContinued continued when continued.Run == saga.Run && saga.Status == LeadStatus.DeadLettered
            && (continued.Stage == LeadStage.Execution || (continued.Stage == LeadStage.Analysis && saga.Epoch == 0)) => Proceed(
            Fresh(saga) with { Status = Reached(saga, continued.Stage), Pending = continued.Stage, Attempt = saga.Attempt + 1 }, now),

        SagaMessage.Judged judged when judged.Run == saga.Run && saga.Status is (LeadStatus.DeadLettered or LeadStatus.Rejected or LeadStatus.NeedsReview or LeadStatus.Blocked) => Beside(saga),

        SagaMessage.Cancelled cancelled when cancelled.Run == saga.Run && saga.Status == LeadStatus.Cancelled => new SagaDecision.AlreadyDone(saga),

        SagaMessage.Erased => Proceed(saga with { Status = LeadStatus.Erased, Reason = null }, now),

        _ => new SagaDecision.Stale($"the lead is {saga.Status}"),
    };

    private static LeadStatus Reached(LeadSaga saga, LeadStage stage) =>
        stage == LeadStage.Analysis ? LeadStatus.Received : saga.Epoch == 0 ? LeadStatus.Analyzed : LeadStatus.Executing;

    private static int RunOf(SagaMessage message) => message switch
    {
        SagaMessage.AnalysisBegan m => m.Run,
        SagaMessage.AnalysisEnded m => m.Run,
        SagaMessage.EpochOpened m => m.Run,
        SagaMessage.PlanTurned m => m.Run,
        SagaMessage.PlanEnded m => m.Run,
        SagaMessage.StageDeferred m => m.Run,
        SagaMessage.StageFailed m => m.Run,
        SagaMessage.Cancelled m => m.Run,
        _ => 0,
    };

    private static bool InEpoch(LeadSaga saga, LeadStage stage, int epoch) => stage != LeadStage.Execution || epoch == saga.Epoch;

    private static SagaDecision.Proceed Proceed(LeadSaga next, DateTimeOffset now) =>
        new(next with { Version = next.Version + 1, UpdatedAt = now });

    /// <summary>
    /// Something is told of the lead that changes nothing of it. One that has ended did so when it did, from which its retention counts; one that has not is no younger for it.
    /// </summary>
    private static SagaDecision.Proceed Beside(LeadSaga saga) => Proceed(saga, saga.UpdatedAt) with { IsBeside = true };

    /// <summary>Progress was made: failures before it no longer count.</summary>
    private static LeadSaga Fresh(LeadSaga saga) =>
        saga with { Attempt = 0, Failures = 0, DueAt = null, FirstFailedAt = null, Owner = null, Reason = null };

    private static LeadSaga Ended(LeadSaga saga, LeadStatus status, string? reason) =>
        saga with { Status = status, Pending = LeadStage.None, DueAt = null, Owner = null, Reason = reason };

    private static LeadSaga Deferred(LeadSaga saga, SagaMessage.StageDeferred deferred, DateTimeOffset now) => saga with
    {
        Status = LeadStatus.Deferred,
        Attempt = saga.Attempt + 1,
        Failures = saga.Failures + (deferred.Failed ? 1 : 0),
        FirstFailedAt = deferred.Failed ? saga.FirstFailedAt ?? now : saga.FirstFailedAt,
        DueAt = deferred.Until,
        Owner = null,
        Reason = deferred.Reason,
    };
}
