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
        if (message is SagaMessage.Noted)
            return Proceed(saga, now);
        if (message is SagaMessage.Woken woken)
            // Due at once, and still deferred: the sweeper sends it as it sends any other.
            return Proceed(woken.Run == saga.Run && saga is { Status: LeadStatus.Deferred, DueAt: { } due } && saga.Reason == woken.Reason && due > now ? saga with { DueAt = now } : saga, now);
        if (saga.Status.IsTerminal())
            return new SagaDecision.Stale($"the lead is {saga.Status}");
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

            _ => new SagaDecision.AlreadyDone(saga),
        };
    }

    private static int RunOf(SagaMessage message) => message switch
    {
        SagaMessage.AnalysisBegan m => m.Run,
        SagaMessage.AnalysisEnded m => m.Run,
        SagaMessage.EpochOpened m => m.Run,
        SagaMessage.PlanTurned m => m.Run,
        SagaMessage.PlanEnded m => m.Run,
        SagaMessage.StageDeferred m => m.Run,
        SagaMessage.StageFailed m => m.Run,
        _ => 0,
    };

    private static bool InEpoch(LeadSaga saga, LeadStage stage, int epoch) => stage != LeadStage.Execution || epoch == saga.Epoch;

    private static SagaDecision.Proceed Proceed(LeadSaga next, DateTimeOffset now) =>
        new(next with { Version = next.Version + 1, UpdatedAt = now });

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
