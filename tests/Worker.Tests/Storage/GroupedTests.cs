using LeadPipeline.Worker.Storage.Sql;

namespace LeadPipeline.Worker.Tests.Storage;

[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GroupedTests
{
    private readonly TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource began = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<int[]> groups = [];

    [Test]
    public async Task Should_answer_each_caller_with_its_own()
    {
        await using var grouped = Make();

        Assert.That(await RunAsync(grouped, 1, 2, 3), Is.EqualTo(new[] { 10, 20, 30 }));
    }

    [Test]
    public async Task Should_take_together_what_came_while_it_was_busy()
    {
        await using var grouped = Make(limit: 4);

        _ = await RunAsync(grouped, 1, 2, 3, 4, 5, 6);

        Assert.That(groups.Select(g => g.Length), Is.EqualTo(new[] { 1, 4, 1 }));
    }

    [Test]
    public async Task Should_keep_items_of_one_key_apart_and_in_order()
    {
        await using var grouped = Make(key: i => i % 10);

        _ = await RunAsync(grouped, 1, 2, 12, 3, 22, 4);

        Assert.That(groups, Is.EqualTo(new[] { new[] { 1 }, [2, 3, 4], [12], [22] }));
    }

    [Test]
    public async Task Should_find_the_one_that_fails_and_spare_the_others()
    {
        await using var grouped = Make();

        var answers = Tasks(grouped, 1, 2, 3, -4, 5, 6);
        await Task.WhenAll(answers).ContinueWith(_ => { }, TaskScheduler.Default);

        Assert.That(answers.Select(a => a.IsCompletedSuccessfully), Is.EqualTo(new[] { true, true, true, false, true, true }));
    }

    [Test]
    public async Task Should_not_look_for_a_culprit_when_nobody_is_to_blame()
    {
        await using var grouped = Make(splits: false);

        var answers = Tasks(grouped, 1, 2, 3, -4, 5, 6);
        await Task.WhenAll(answers).ContinueWith(_ => { }, TaskScheduler.Default);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(a => a.IsFaulted), Is.EqualTo(new[] { false, true, true, true, true, true }));
            Assert.That(groups, Has.Count.EqualTo(2));
        }
    }

    [Test]
    public async Task Should_go_on_after_a_failure()
    {
        await using var grouped = Make();
        _ = await RunAsync(grouped, 1);
        Assert.That(async () => await grouped.RunAsync(-1), Throws.InvalidOperationException);

        Assert.That(await grouped.RunAsync(2), Is.EqualTo(20));
    }

    [Test]
    public async Task Should_finish_what_it_was_given_before_it_is_disposed_of()
    {
        var grouped = Make();
        var answers = Tasks(grouped, 1, 2, 3);

        await grouped.DisposeAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(answers.Select(a => a.IsCompletedSuccessfully), Is.All.True);
            Assert.That(async () => await grouped.RunAsync(4), Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    /// <summary>The first item goes alone and holds the loop until all the others wait.</summary>
    private List<Task<int>> Tasks(Grouped<int, int> grouped, params int[] items)
    {
        var first = grouped.RunAsync(items[0]);
        began.Task.Wait();
        List<Task<int>> all = [first, .. items.Skip(1).Select(grouped.RunAsync)];
        open.TrySetResult();
        return all;
    }

    private Task<int[]> RunAsync(Grouped<int, int> grouped, params int[] items) => Task.WhenAll(Tasks(grouped, items));

    private Grouped<int, int> Make(int limit = 100, Func<int, object?>? key = null, bool splits = true) => new(limit, key, async (items, _) =>
    {
        groups.Add([.. items]);
        began.TrySetResult();
        await open.Task;
        return items.Any(i => i < 0) ? throw new InvalidOperationException("negative") : (IReadOnlyList<int>)[.. items.Select(i => i * 10)];
    }, _ => splits);
}
