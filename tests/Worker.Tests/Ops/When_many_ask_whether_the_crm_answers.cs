using LeadPipeline.Mcp.Crm;
using LeadPipeline.TestKit;
using LeadPipeline.Worker.Ops;

namespace LeadPipeline.Worker.Tests.Ops;

/// <summary>Anybody may ask. The CRM must not feel how many do.</summary>
public sealed class When_many_ask_whether_the_crm_answers
{
    private FakeTimeProvider time = null!;
    private SlowCrm crm = null!;
    private CrmHealth health = null!;

    [SetUp]
    public void Prepare()
    {
        (time, crm) = (new FakeTimeProvider(), new SlowCrm());
        health = new CrmHealth(crm, time);
    }

    [Test]
    public async Task Should_ask_it_once_for_all()
    {
        var all = Enumerable.Range(0, 20).Select(_ => health.IsHealthyAsync(CancellationToken.None)).ToList();
        crm.Answer();
        var first = await Task.WhenAll(all);
        time.Advance(CrmHealth.KeptFor - TimeSpan.FromSeconds(1));
        var later = await health.IsHealthyAsync(CancellationToken.None);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(first, Has.All.True);
            Assert.That(later, Is.True);
            Assert.That(crm.Asked, Is.EqualTo(1));
        }
    }

    [Test]
    public async Task Should_ask_again_when_the_answer_is_old_or_other_credentials_are_in_force()
    {
        crm.Answer();
        Assert.That(await health.IsHealthyAsync(CancellationToken.None), Is.True);
        crm.Fail();

        time.Advance(CrmHealth.KeptFor);
        Assert.That(await health.IsHealthyAsync(CancellationToken.None), Is.False);

        crm.Answer();
        Assert.That(await health.IsHealthyAsync(CancellationToken.None), Is.False, "of the last ten seconds");
        health.Forget();
        Assert.That(await health.IsHealthyAsync(CancellationToken.None), Is.True);
    }

    [Test]
    public async Task Should_not_give_the_question_up_for_one_who_goes_away()
    {
        using var caller = new CancellationTokenSource();
        var gone = health.IsHealthyAsync(caller.Token);
        await caller.CancelAsync();
        Assert.That(async () => await gone, Throws.InstanceOf<OperationCanceledException>());

        var other = health.IsHealthyAsync(CancellationToken.None);
        crm.Answer();

        Assert.That((await other, crm.Asked), Is.EqualTo((true, 1)));
    }

    [Test]
    public async Task Should_call_it_unhealthy_when_it_takes_too_long()
    {
        var asked = health.IsHealthyAsync(CancellationToken.None);
        time.Advance(CrmHealth.Patience);

        Assert.That(await asked, Is.False);
    }

    /// <summary>Answers when it is told to, and cannot be hurried.</summary>
    private sealed class SlowCrm : ICrm
    {
        private TaskCompletionSource<CrmView> next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int asked;

        public string Provider => "slow";

        public int Asked => Volatile.Read(ref asked);

        public void Answer() => Settle(source => source.TrySetResult(new CrmView()));

        public void Fail() => Settle(source => source.TrySetException(new CrmUnavailableException(NotNowKind.Transient, "not now")));

        public Task<CrmView> ReadAsync(CrmQuery query, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref asked);
            return next.Task.WaitAsync(cancellationToken);
        }

        public Task<IReadOnlyList<CrmOutcome>> WriteAsync(CrmBatch batch, CancellationToken cancellationToken) => throw new NotSupportedException();

        private void Settle(Func<TaskCompletionSource<CrmView>, bool> how)
        {
            if (!how(next))
                _ = how(next = new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
    }
}
