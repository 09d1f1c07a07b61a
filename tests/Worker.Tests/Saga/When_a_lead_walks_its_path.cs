using LeadPipeline.Contracts;
using LeadPipeline.Worker.Saga;

namespace LeadPipeline.Worker.Tests.Saga;

[TestFixture]
public sealed class When_a_lead_walks_its_path
{
    private static readonly Guid Lead = new("11111111-1111-1111-1111-111111111111");
    private static readonly DateTimeOffset Now = new(2026, 3, 3, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Should_end_completed_with_nothing_outstanding()
    {
        var saga = After(new SagaMessage.Accepted(Lead), new SagaMessage.AnalysisBegan(1), Planned, new SagaMessage.EpochOpened(1, 0, 7), new SagaMessage.PlanEnded(1, 1, LeadStatus.Completed, null));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(saga.Status, Is.EqualTo(LeadStatus.Completed));
            Assert.That(StageCommand.Pending(saga), Is.Null);
            Assert.That(saga.Owner, Is.Null);
            Assert.That(saga.Version, Is.EqualTo(5));
        }
    }

    [Test]
    public void Should_forget_the_failures_of_the_analysis_when_there_is_a_plan()
    {
        var saga = After(new SagaMessage.Accepted(Lead), Deferred(LeadStage.Analysis, failed: true), Planned);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(saga.Failures, Is.Zero);
            Assert.That(saga.FirstFailedAt, Is.Null);
            Assert.That(StageCommand.Pending(saga), Is.EqualTo(new StageCommand(Lead, LeadStage.Execution, 1, 0)));
        }
    }

    [Test]
    public void Should_not_count_a_limit_as_a_try()
    {
        var saga = After(new SagaMessage.Accepted(Lead), Deferred(LeadStage.Analysis, failed: false));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(saga.Failures, Is.Zero);
            Assert.That(saga.FirstFailedAt, Is.Null);
            Assert.That(saga.Attempt, Is.EqualTo(1), "the command needs a new message id all the same");
        }
    }

    [Test]
    public void Should_remember_the_first_failure_of_several()
    {
        var first = After(new SagaMessage.Accepted(Lead), Deferred(LeadStage.Analysis, failed: true));
        var second = ((SagaDecision.Proceed)LeadSagaMachine.Decide(first, Deferred(LeadStage.Analysis, failed: true), Now.AddHours(1))).Next;

        Assert.That((second.FirstFailedAt, second.Failures), Is.EqualTo(((DateTimeOffset?)Now, 2)));
    }

    [Test]
    public void Should_take_a_second_acceptance_for_a_copy()
    {
        var saga = After(new SagaMessage.Accepted(Lead));

        Assert.That(LeadSagaMachine.Decide(saga, new SagaMessage.Accepted(Lead), Now), Is.EqualTo(new SagaDecision.AlreadyDone(saga)));
    }

    [Test]
    public void Should_know_no_lead_that_was_never_accepted() =>
        Assert.That(LeadSagaMachine.Decide(null, Planned, Now), Is.TypeOf<SagaDecision.Stale>());

    [Test]
    public void Should_carry_out_the_pending_command()
    {
        var saga = After(new SagaMessage.Accepted(Lead));

        Assert.That(LeadSagaMachine.Receive(saga, LeadStage.Analysis, 1, Now), Is.EqualTo(new SagaDecision.Proceed(saga)));
    }

    [Test]
    public void Should_answer_a_command_of_a_stage_that_is_through_with_the_one_that_is_pending()
    {
        var saga = After(new SagaMessage.Accepted(Lead), Planned);

        Assert.That(LeadSagaMachine.Receive(saga, LeadStage.Analysis, 1, Now), Is.EqualTo(new SagaDecision.AlreadyDone(saga)));
    }

    [Test]
    public void Should_drop_a_command_for_a_lead_that_is_terminal_unknown_of_another_run_or_not_due()
    {
        var deferred = After(new SagaMessage.Accepted(Lead), Deferred(LeadStage.Analysis, failed: true));
        var ended = After(new SagaMessage.Accepted(Lead), new SagaMessage.AnalysisEnded(1, LeadStatus.Rejected, "ungrounded"));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(LeadSagaMachine.Receive(null, LeadStage.Analysis, 1, Now), Is.TypeOf<SagaDecision.Stale>());
            Assert.That(LeadSagaMachine.Receive(ended, LeadStage.Execution, 1, Now), Is.TypeOf<SagaDecision.Stale>());
            Assert.That(LeadSagaMachine.Receive(deferred, LeadStage.Analysis, 2, Now), Is.TypeOf<SagaDecision.Stale>());
            Assert.That(LeadSagaMachine.Receive(deferred, LeadStage.Analysis, 1, Now), Is.TypeOf<SagaDecision.Stale>());
            Assert.That(LeadSagaMachine.Receive(deferred, LeadStage.Analysis, 1, deferred.DueAt!.Value), Is.TypeOf<SagaDecision.Proceed>(), "due");
        }
    }

    [Test]
    public void Should_begin_anew_with_the_next_run()
    {
        var saga = After(new SagaMessage.Accepted(Lead), Deferred(LeadStage.Analysis, failed: true), Planned, new SagaMessage.EpochOpened(1, 0, 7), new SagaMessage.PlanEnded(1, 1, LeadStatus.Completed, null),
            new SagaMessage.RunStarted(1, Again: true));

        using (Assert.EnterMultipleScope())
        {
            Assert.That((saga.Run, saga.Status, saga.Epoch, saga.Owner, saga.Again), Is.EqualTo((2, LeadStatus.Received, 0, (int?)null, true)));
            Assert.That(StageCommand.Pending(saga), Is.EqualTo(new StageCommand(Lead, LeadStage.Analysis, 2, 0)));
            Assert.That(LeadSagaMachine.Decide(saga, new SagaMessage.RunStarted(1, false), Now), Is.TypeOf<SagaDecision.Stale>(), "two operators start one run");
            Assert.That(LeadSagaMachine.Receive(saga, LeadStage.Execution, 1, Now), Is.TypeOf<SagaDecision.Stale>(), "commands of the run before are out of date");
        }
    }

    [TestCase(LeadStage.Analysis, LeadStatus.Received)]
    [TestCase(LeadStage.Execution, LeadStatus.Executing)]
    public void Should_go_on_where_it_was_dead_lettered(LeadStage stage, LeadStatus status)
    {
        var failed = stage == LeadStage.Analysis
            ? After(new SagaMessage.Accepted(Lead), new SagaMessage.StageFailed(1, LeadStage.Analysis, "why"))
            : After(new SagaMessage.Accepted(Lead), Planned, new SagaMessage.EpochOpened(1, 0, 7), new SagaMessage.StageFailed(1, LeadStage.Execution, "why", 1));

        var saga = ((SagaDecision.Proceed)LeadSagaMachine.Decide(failed, new SagaMessage.RunContinued(1, stage), Now)).Next;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((saga.Run, saga.Status, saga.Reason, saga.Epoch), Is.EqualTo((1, status, (string?)null, failed.Epoch)));
            Assert.That(StageCommand.Pending(saga), Is.EqualTo(new StageCommand(Lead, stage, 1, 1)), "a message of its own");
            Assert.That(LeadSagaMachine.Decide(failed, new SagaMessage.RunStarted(1, false), Now), Is.TypeOf<SagaDecision.Stale>(), "a dead letter is no end to begin anew from");
        }
    }

    [Test]
    public void Should_be_cancelled_until_the_first_epoch()
    {
        var planned = After(new SagaMessage.Accepted(Lead), Planned);
        var cancelled = LeadSagaMachine.Decide(planned, new SagaMessage.Cancelled(1), Now);
        var executing = After(new SagaMessage.Accepted(Lead), Planned, new SagaMessage.EpochOpened(1, 0, 7));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(((SagaDecision.Proceed)cancelled).Next, Has.Property("Status").EqualTo(LeadStatus.Cancelled).And.Property("Pending").EqualTo(LeadStage.None));
            Assert.That(LeadSagaMachine.Decide(executing, new SagaMessage.Cancelled(1), Now), Is.TypeOf<SagaDecision.Stale>());
            Assert.That(LeadSagaMachine.Decide(((SagaDecision.Proceed)cancelled).Next, new SagaMessage.EpochOpened(1, 0, 7), Now), Is.TypeOf<SagaDecision.Stale>(), "whoever was about to execute it must not");
        }
    }

    private static SagaMessage Planned => new SagaMessage.AnalysisEnded(1, LeadStatus.Analyzed, null);

    private static SagaMessage.StageDeferred Deferred(LeadStage stage, bool failed) => new(1, stage, Now.AddSeconds(30), failed, "later");

    private static LeadSaga After(params SagaMessage[] messages)
    {
        LeadSaga? saga = null;
        foreach (var message in messages)
            saga = ((SagaDecision.Proceed)LeadSagaMachine.Decide(saga, message, Now)).Next;
        return saga!;
    }
}
