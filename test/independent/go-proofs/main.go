// Says what Go's own packages for signed notes and transparent logs make of checkpoints, keys and proofs: a question as JSON on standard
// input, the answer as JSON on standard output.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Notes   []string // each opened with all Vkeys
	Vkeys   []string
	Skey    string // signs Text
	Text    string
	NewKey  string // name of a key that is made
	Entries []string
	Proofs  []proof
}

// A proof of inclusion where Earlier is 0, else of consistency. Hashes are base64.
type proof struct {
	Index, Earlier, Size    int64
	Leaf, EarlierRoot, Root string
	Path                    []string
}

type opened struct {
	Text  string
	Names []string
	Error string
}

type answer struct {
	Notes  []opened
	Signed string
	Skey   string
	Vkey   string
	// Roots of the first one, two … of Entries.
	Roots []string
	// Of each proof, empty where it holds.
	Errors []string
	// What Go would have given for each proof.
	Paths [][]string
}

func main() {
	var asked question
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	var said answer
	var known []note.Verifier
	for _, vkey := range asked.Vkeys {
		verifier, err := note.NewVerifier(vkey)
		must(err)
		known = append(known, verifier)
	}
	for _, text := range asked.Notes {
		said.Notes = append(said.Notes, open(text, known))
	}
	if asked.Skey != "" {
		signer, err := note.NewSigner(asked.Skey)
		must(err)
		signed, err := note.Sign(&note.Note{Text: asked.Text}, signer)
		must(err)
		said.Signed = string(signed)
	}
	if asked.NewKey != "" {
		skey, vkey, err := note.GenerateKey(rand.Reader, asked.NewKey)
		must(err)
		said.Skey, said.Vkey = skey, vkey
	}
	proofs(asked, &said)
	must(json.NewEncoder(os.Stdout).Encode(said))
}

func open(text string, known []note.Verifier) opened {
	found, err := note.Open([]byte(text), note.VerifierList(known...))
	if err != nil {
		return opened{Error: err.Error()}
	}
	var names []string
	for _, signature := range found.Sigs {
		names = append(names, signature.Name)
	}
	return opened{Text: found.Text, Names: names}
}

func proofs(asked question, said *answer) {
	var stored []tlog.Hash
	source := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for at, index := range indexes {
			hashes[at] = stored[index]
		}
		return hashes, nil
	})
	for index, entry := range asked.Entries {
		hashes, err := tlog.StoredHashes(int64(index), []byte(entry), source)
		must(err)
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(int64(index+1), source)
		must(err)
		said.Roots = append(said.Roots, base64.StdEncoding.EncodeToString(root[:]))
	}
	for _, given := range asked.Proofs {
		path := make([]tlog.Hash, len(given.Path))
		for at, text := range given.Path {
			path[at] = hash(text)
		}
		var own []tlog.Hash
		var err, unproven error
		if given.Earlier == 0 {
			err = tlog.CheckRecord(path, given.Size, hash(given.Root), given.Index, hash(given.Leaf))
			own, unproven = tlog.ProveRecord(given.Size, given.Index, source)
		} else {
			err = tlog.CheckTree(path, given.Size, hash(given.Root), given.Earlier, hash(given.EarlierRoot))
			own, unproven = tlog.ProveTree(given.Size, given.Earlier, source)
		}
		must(unproven)
		texts := []string{}
		for _, each := range own {
			texts = append(texts, base64.StdEncoding.EncodeToString(each[:]))
		}
		said.Paths = append(said.Paths, texts)
		if err != nil {
			said.Errors = append(said.Errors, err.Error())
		} else {
			said.Errors = append(said.Errors, "")
		}
	}
}

func hash(text string) tlog.Hash {
	var found tlog.Hash
	bytes, err := base64.StdEncoding.DecodeString(text)
	must(err)
	copy(found[:], bytes)
	return found
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
