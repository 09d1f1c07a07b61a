using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Tests.Saga;

/// <summary>What must hold whatever arrives, in whatever order, however often. States are reached by messages, never made up.</summary>
[TestFixture]
public sealed class LeadSagaMachineTests
{
    private static readonly Guid Lead = new("11111111-1111-1111-1111-111111111111");
    private static readonly DateTimeOffset Start = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property A_lead_that_is_not_terminal_has_a_pending_command() => OnEveryStep((_, _, after) =>
        after is null || after.Status.IsTerminal() == (after.Pending == LeadStage.None));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property A_terminal_lead_stays_as_it_ended_unless_an_operator_says_otherwise() => OnEveryStep((before, message, after) =>
        message is SagaMessage.RunStarted or SagaMessage.RunContinued or SagaMessage.Erased || before is null || !before.Status.IsTerminal() || (after!.Status == before.Status && after.Pending == LeadStage.None && after.Reason == before.Reason));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property A_run_is_planned_once() => Prop.ForAll(Histories(), history =>
    {
        var planned = new List<int>();
        _ = Walk(history, (before, message, after) =>
        {
            if (message is SagaMessage.AnalysisEnded ended && !ReferenceEquals(before, after))
                planned.Add(ended.Run);
            return true;
        });

        return planned.Distinct().Count() == planned.Count;
    });

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property A_run_follows_only_the_latest_and_only_when_that_has_ended() => OnEveryStep((before, message, after) =>
        before is null || after!.Run == before.Run
        || (message is SagaMessage.RunStarted started && started.After == before.Run && after.Run == before.Run + 1 && before.Status.IsTerminal()
            && before.Status is not (LeadStatus.DeadLettered or LeadStatus.Erased)
            && after is { Status: LeadStatus.Received, Epoch: 0, Attempt: 0, Failures: 0, Owner: null, Reason: null } && after.Again == started.Again));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Only_a_dead_lettered_run_goes_on_and_with_the_epochs_that_it_had() => OnEveryStep((before, message, after) =>
        message is not SagaMessage.RunContinued || ReferenceEquals(before, after)
        || (before!.Status == LeadStatus.DeadLettered && after!.Run == before.Run && after.Epoch == before.Epoch && after.Attempt == before.Attempt + 1));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property A_lead_is_cancelled_only_while_nothing_has_been_sent() => OnEveryStep((before, message, after) =>
        message is not SagaMessage.Cancelled || ReferenceEquals(before, after) || (before!.Epoch == 0 && !before.Status.IsTerminal() && after!.Status == LeadStatus.Cancelled));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property What_is_erased_stays_erased() => OnEveryStep((before, _, after) =>
        before is not { Status: LeadStatus.Erased } || ReferenceEquals(before, after));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Only_a_lead_that_has_ended_is_erased() => OnEveryStep((before, _, after) =>
        after is not { Status: LeadStatus.Erased } || (before!.Status.IsTerminal() && after.Pending == LeadStage.None));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property A_message_that_takes_effect_raises_the_version_by_one() => OnEveryStep((before, _, after) =>
        ReferenceEquals(before, after) || after!.Version == (before?.Version ?? 0) + 1);

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property An_older_epoch_has_no_say() => OnEveryStep((before, message, after) =>
        EpochOf(message) is not { } epoch || before is null || epoch >= before.Epoch || ReferenceEquals(before, after));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property An_epoch_follows_only_the_latest() => OnEveryStep((before, message, after) =>
        message is not SagaMessage.EpochOpened opened || ReferenceEquals(before, after) || (opened.After == before!.Epoch && after!.Epoch == before.Epoch + 1 && after.Owner == opened.Owner));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Another_run_has_no_say() => OnEveryStep((before, message, after) =>
        RunOf(message) is not { } run || before is null || run == before.Run || ReferenceEquals(before, after));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Only_a_deferred_lead_has_a_due_time() => OnEveryStep((_, _, after) =>
        after is null || (after.DueAt is not null) == (after.Status == LeadStatus.Deferred));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Only_a_lead_that_waits_for_that_is_woken() => OnEveryStep((before, message, after) =>
        message is not SagaMessage.Woken woken || before is null || (after!.Status == before.Status && (after.DueAt == before.DueAt || (woken.Reason == before.Reason && woken.Run == before.Run && after.DueAt < before.DueAt))));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property The_audit_chain_is_left_to_the_commit() => OnEveryStep((before, _, after) =>
        before is null || after is null || (after.AuditSeq == before.AuditSeq && ReferenceEquals(after.AuditHead, before.AuditHead)));

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property A_command_is_carried_out_only_while_it_is_pending_and_due() => Prop.ForAll(Histories(), Gen.Elements(LeadStage.Analysis, LeadStage.Execution).ToArbitrary(), Gen.Choose(1, 2).ToArbitrary(), (history, stage, run) =>
    {
        var (saga, now) = Walk(history, (_, _, _) => true).End;
        var wanted = saga is not null && run == saga.Run && saga.Pending == stage && !(saga.DueAt > now);

        return LeadSagaMachine.Receive(saga, stage, run, now) is SagaDecision.Proceed == wanted;
    });

    private static Property OnEveryStep(Func<LeadSaga?, SagaMessage, LeadSaga?, bool> holds) => Prop.ForAll(Histories(), history => Walk(history, holds).Held);

    private static (bool Held, (LeadSaga? Saga, DateTimeOffset Now) End) Walk(SagaMessage[] history, Func<LeadSaga?, SagaMessage, LeadSaga?, bool> holds)
    {
        LeadSaga? saga = null;
        var now = Start;
        var plannedRun = 0;
        foreach (var order in history)
        {
            now += TimeSpan.FromSeconds(20);
            // Whoever orders it looks whether the run has a plan.
            var message = order is SagaMessage.RunContinued continued ? continued with { Stage = plannedRun == continued.Run ? LeadStage.Execution : LeadStage.Analysis } : order;
            var decision = LeadSagaMachine.Decide(saga, message, now);
            var after = decision is SagaDecision.Proceed proceed ? proceed.Next : saga;
            if (decision is SagaDecision.AlreadyDone done && !ReferenceEquals(done.Current, saga))
                return (false, (saga, now));
            if (!holds(saga, message, after))
                return (false, (after, now));
            if (message is SagaMessage.AnalysisEnded { Status: LeadStatus.Analyzed } ended && !ReferenceEquals(saga, after))
                plannedRun = ended.Run;
            saga = after;
        }
        return (true, (saga, now));
    }

    /// <summary>Mostly the messages of an ordinary life, with a few of other runs and epochs among them, all repeated and out of order.</summary>
    private static Arbitrary<SagaMessage[]> Histories()
    {
        var run = Gen.Frequency((7, Gen.Constant(1)), (3, Gen.Constant(2)), (1, Gen.Constant(3)));
        var epoch = Gen.Choose(0, 3);
        var stage = Gen.Elements(LeadStage.Analysis, LeadStage.Execution);
        var status = Gen.Elements(LeadStatus.Completed, LeadStatus.Compensated, LeadStatus.NeedsReview, LeadStatus.Executing);
        var message = Gen.Frequency(
            (2, Gen.Constant<SagaMessage>(new SagaMessage.Accepted(Lead))),
            (2, from r in run select (SagaMessage)new SagaMessage.AnalysisBegan(r)),
            (3, from r in run from s in Gen.Frequency((6, Gen.Constant(LeadStatus.Analyzed)), (1, Gen.Elements(LeadStatus.Rejected, LeadStatus.Blocked, LeadStatus.Received))) select (SagaMessage)new SagaMessage.AnalysisEnded(r, s, "why")),
            (4, from r in run from e in epoch from o in Gen.Choose(1, 2) select (SagaMessage)new SagaMessage.EpochOpened(r, e, o)),
            (1, from r in run from e in epoch select (SagaMessage)new SagaMessage.PlanTurned(r, e)),
            (1, from r in run from e in epoch from s in status select (SagaMessage)new SagaMessage.PlanEnded(r, e, s, "why")),
            (3, from r in run from g in stage from e in epoch from w in Gen.Choose(1, 60) from f in Gen.Elements(true, false) select (SagaMessage)new SagaMessage.StageDeferred(r, g, Start.AddSeconds(w * 10), f, "later", e)),
            (1, from r in run from g in stage from e in epoch select (SagaMessage)new SagaMessage.StageFailed(r, g, "never", e)),
            (2, from r in run from w in Gen.Elements("later", "other") select (SagaMessage)new SagaMessage.Woken(r, w)),
            (2, from r in Gen.Choose(1, 3) from a in Gen.Elements(true, false) select (SagaMessage)new SagaMessage.RunStarted(r, a)),
            (2, from r in run from g in stage select (SagaMessage)new SagaMessage.RunContinued(r, g)),
            (1, from r in run select (SagaMessage)new SagaMessage.Cancelled(r)),
            (1, Gen.Frequency((3, Gen.Constant<SagaMessage>(new SagaMessage.Noted())), (1, Gen.Constant<SagaMessage>(new SagaMessage.Erased())))));
        return message.ListOf().Select(m => (SagaMessage[])[new SagaMessage.Accepted(Lead), .. m]).ToArbitrary();
    }

    private static int? EpochOf(SagaMessage message) => message switch
    {
        SagaMessage.PlanTurned m => m.Epoch,
        SagaMessage.PlanEnded m => m.Epoch,
        SagaMessage.StageDeferred { Stage: LeadStage.Execution } m => m.Epoch,
        SagaMessage.StageFailed { Stage: LeadStage.Execution } m => m.Epoch,
        _ => null,
    };

    private static int? RunOf(SagaMessage message) => message switch
    {
        SagaMessage.AnalysisBegan m => m.Run,
        SagaMessage.AnalysisEnded m => m.Run,
        SagaMessage.EpochOpened m => m.Run,
        SagaMessage.PlanTurned m => m.Run,
        SagaMessage.PlanEnded m => m.Run,
        SagaMessage.StageDeferred m => m.Run,
        SagaMessage.StageFailed m => m.Run,
        SagaMessage.Cancelled m => m.Run,
        SagaMessage.RunContinued m => m.Run,
        SagaMessage.RunStarted m => m.After,
        _ => null,
    };
}
