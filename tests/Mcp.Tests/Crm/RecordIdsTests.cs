using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Mock;

namespace LeadPipeline.Mcp.Tests.Crm;

[TestFixture]
public sealed class RecordIdsTests
{
    [Test]
    public void Should_make_a_valid_id_of_each_kind([Values] CrmObject kind)
    {
        var ids = Enumerable.Range(0, 200).Select(i => RecordIds.For(kind, $"key {i}")).ToList();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(ids, Is.Unique);
            Assert.That(ids, Is.All.Matches<string>(id => id.Length == 18 && RecordIds.IsValid(id, kind)));
            Assert.That(RecordIds.For(kind, "key 7"), Is.EqualTo(ids[7]), "the same key, the same id");
        }
    }

    // Published examples of the vendor's own conversion from 15 to 18 characters.
    [TestCase("001000000000000AAA", CrmObject.Account)]
    [TestCase("00Q000000000000EAA", CrmObject.Lead)]
    public void Should_know_the_suffix_that_guards_against_case_folding(string id, CrmObject kind) =>
        Assert.That(RecordIds.IsValid(id, kind), Is.True);

    [Test]
    public void Should_not_take_an_id_whose_case_was_folded_or_of_another_kind()
    {
        var id = RecordIds.For(CrmObject.Lead, "key");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(RecordIds.IsValid(id.ToLowerInvariant(), CrmObject.Lead), Is.False);
            Assert.That(RecordIds.IsValid(id, CrmObject.Task), Is.False);
            Assert.That(RecordIds.IsValid(id[..15], CrmObject.Lead), Is.False);
        }
    }
}
