using LeadPipeline.Contracts;
using LeadPipeline.Worker.Audit;
using LeadPipeline.Worker.Grounding;
using LeadPipeline.Worker.Ops;
using LeadPipeline.Worker.Reviews;
using LeadPipeline.Worker.Saga;
using LeadPipeline.Worker.WhatIf;

namespace LeadPipeline.Worker.Tests.Storage;

/// <summary>What people decide about leads that wait for them, as the database keeps it.</summary>
public abstract class ReviewTests<TDatabase> : DeadLetterFixture<TDatabase>
    where TDatabase : StorageDatabase, new()
{
    private ReviewOperations reviews = null!;

    [SetUp]
    public void StartReviews() => reviews = new ReviewOperations(Store, Database.Sql, new RecordedRuns(Database.Sql, Cipher), GroundingRules.Default, Time);

    [Test]
    public async Task Should_close_a_review_once()
    {
        var lead = await EndedAsync(LeadStatus.Rejected);
        var id = new ReviewId(lead, 1);
        var before = await ListedAsync();

        var first = await reviews.RejectAsync(id, "Not for us.", "ada", CancellationToken.None);
        var second = await reviews.RejectAsync(id, "Not for us.", "bob", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(before, Has.Member(id.ToString()));
            Assert.That(first, Is.TypeOf<OperatorAnswer.Done>());
            Assert.That(second, Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("not-in-review"));
            Assert.That(await ListedAsync(), Has.No.Member(id.ToString()));
            Assert.That(await KindsAsync(lead), Has.Exactly(1).EqualTo("operator.rejected by ada"));
            Assert.That((await Store.LoadAsync(lead))!.Saga.Status, Is.EqualTo(LeadStatus.Rejected));
        }
    }

    [TestCase(LeadStatus.Rejected)]
    [TestCase(LeadStatus.NeedsReview)]
    [TestCase(LeadStatus.Blocked)]
    public async Task Should_not_let_a_lead_go_on_of_which_nothing_is_decided(LeadStatus status)
    {
        var lead = await EndedAsync(status);

        var answer = await reviews.ApproveAsync(new ReviewId(lead, 1), "Looks fine.", new ReviewCorrections(), "ada", CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answer, Is.TypeOf<OperatorAnswer.Refused>().With.Property("Code").EqualTo("needs-correction"));
            Assert.That((await Store.LoadAsync(lead))!.Saga.Run, Is.EqualTo(1));
            Assert.That(await ListedAsync(), Has.Member($"{lead}.1"));
        }
    }

    [Test]
    public async Task Should_not_decide_about_another_run_than_was_seen()
    {
        var lead = await EndedAsync(LeadStatus.NeedsReview);
        _ = await Store.ApplyAsync((await Store.LoadAsync(lead))!, new SagaMessage.RunStarted(1, false), []);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await reviews.RejectAsync(new ReviewId(lead, 1), "Late.", "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.Refused>());
            Assert.That(await reviews.RejectAsync(new ReviewId(lead, 3), "Early.", "ada", CancellationToken.None), Is.TypeOf<OperatorAnswer.NotFound>());
        }
    }

    private async Task<Guid> EndedAsync(LeadStatus status)
    {
        var (work, _) = await Store.AddAsync(ALead(), [new AuditFact("intake", "received", [])], []);
        _ = await Store.ApplyAsync(work!, new SagaMessage.AnalysisEnded(1, status, "why"), []);
        return work!.Saga.LeadId;
    }

    private async Task<List<string>> ListedAsync() => [.. (await reviews.ListAsync(1000, CancellationToken.None)).Select(i => i!["id"]!.GetValue<string>())];
}
