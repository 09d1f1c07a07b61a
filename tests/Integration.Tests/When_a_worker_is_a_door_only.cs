namespace LeadPipeline.Integration.Tests;

/// <summary><c>Messaging:Consume=false</c>: leads are taken in, before any worker that works on them was ever there.</summary>
[Category("Integration")]
[Parallelizable]
public sealed class When_a_worker_is_a_door_only
{
    [Test]
    public async Task Should_keep_leads_for_those_who_work_on_them()
    {
        await using var state = await ServedState.CreateAsync();
        await using var door = await state.StartAsync(("Messaging__Consume", "false"));
        using var posted = await door.PostAsync("[" + string.Join(',', Enumerable.Range(0, 5).Select(GeneratedLeads.Lead)) + "]", trusted: true);
        var ids = (await posted.JsonAsync())["results"]!.AsArray().Select(r => Guid.Parse(r!["leadId"]!.GetValue<string>())).ToList();
        var taken = await state.Database.QueryAsync<long>("SELECT COUNT(*) FROM leads");

        await using var worker = await state.StartAsync();
        foreach (var id in ids)
            _ = await door.UntilDoneAsync(id);

        using (Assert.EnterMultipleScope())
        {
            Assert.That((int)posted.StatusCode, Is.EqualTo(202));
            Assert.That(taken, Is.Zero, "nobody worked on them");
            Assert.That(await Promises.BrokenAsync(state.Database, ids), Is.Empty);
        }
        // The broker's figures are seconds late.
        await Eventually.ShouldAsync(async () => (await state.Broker.QueuesAsync()).Single(q => q.Name == "lead-intake").Consumers == 1, "show one consumer: the door is none");
    }
}
